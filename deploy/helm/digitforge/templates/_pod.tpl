{{- /* What the pods of the API and of workers have in common. */ -}}
{{- define "digitforge.pod" -}}
serviceAccountName: {{ include "digitforge.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false # a Service named digitforge would set DIGITFORGE_PORT
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- include "digitforge.podSecurity" 10001 | nindent 2 }}
dnsConfig:
  options: # the name of a Redis that is away leads nowhere; without these, finding that out takes ten seconds
    - { name: timeout, value: "1" }
    - { name: attempts, value: "2" }
{{- end -}}

{{- define "digitforge.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "digitforge.containerSecurity" -}}
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
capabilities: { drop: [ALL] }
{{- end -}}

{{- define "digitforge.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Soft: pods of one component on different nodes, as far as there are some. */ -}}
{{- define "digitforge.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "digitforge.selector" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "digitforge.podAnnotations" -}}
checksum/values: {{ list .root.Values.store .root.Values.redis .root.Values.keys | toJson | sha256sum }}
{{- with .extra }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "digitforge.environment" -}}
- name: DIGITFORGE_REDIS_URL
  valueFrom: { secretKeyRef: { name: {{ include "digitforge.redisSecret" . }}, key: url } }
- name: DIGITFORGE_DATA_DIR
  value: /data
- name: DIGITFORGE_STOP_GRACE_S
  value: {{ .Values.worker.stopGraceSeconds | quote }}
{{- with .Values.store }}
{{- if .url }}
- name: DIGITFORGE_STORE_URL
  value: {{ .url | quote }}
{{- end }}
{{- if .endpoint }}
- name: AWS_ENDPOINT_URL
  value: {{ .endpoint | quote }}
{{- end }}
{{- if .region }}
- name: AWS_REGION
  value: {{ .region | quote }}
{{- end }}
{{- if .caSecret }}
- name: AWS_CA_BUNDLE
  value: /etc/digitforge/store/ca.crt
{{- end }}
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ include "digitforge.text" $value | quote }}
{{- end }}
{{- end -}}

{{- /* A number as people write it: 536870912 is no 5.36870912e+08. */ -}}
{{- define "digitforge.text" -}}
{{- if kindIs "float64" . -}}
{{- eq (floor .) . | ternary (printf "%.0f" .) (toString .) -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{- define "digitforge.environmentFrom" -}}
{{- with include "digitforge.storeSecret" . }}
envFrom:
  - secretRef: { name: {{ . }} }
{{- end }}
{{- end -}}

{{- /* The number of CPUs in a container's limit, in place of the cores of its node. */ -}}
{{- define "digitforge.cpus" -}}
valueFrom: { resourceFieldRef: { containerName: {{ . }}, resource: limits.cpu, divisor: "1" } }
{{- end -}}

{{- define "digitforge.mounts" -}}
- { name: data, mountPath: /data }
- { name: tmp, mountPath: /tmp }
{{- range $of, $part := pick .Values "redis" "store" }}
{{- if $part.caSecret }}
- { name: {{ $of }}-ca, mountPath: /etc/digitforge/{{ $of }}, readOnly: true }
{{- end }}
{{- end }}
{{- end -}}

{{- define "digitforge.volumes" -}}
- { name: tmp, emptyDir: {} }
{{- range $of, $part := pick .Values "redis" "store" }}
{{- if $part.caSecret }}
- { name: {{ $of }}-ca, secret: { secretName: {{ $part.caSecret }}, defaultMode: 0440 } }
{{- end }}
{{- end }}
{{- end -}}

{{- define "digitforge.keysVolume" -}}
- name: keys
  secret:
    secretName: {{ .Values.keys.existingSecret | default (printf "%s-keys" (include "digitforge.fullname" .)) }}
    defaultMode: 0440
{{- end -}}
