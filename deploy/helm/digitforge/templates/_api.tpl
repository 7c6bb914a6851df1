{{- define "digitforge.hosts" -}}
{{- $service := include "digitforge.fullname" . -}}
{{- $inCluster := list $service (printf "%s.%s" $service .Release.Namespace) (printf "%s.%s.svc" $service .Release.Namespace) (printf "%s.%s.svc.cluster.local" $service .Release.Namespace) -}}
{{- concat $inCluster .Values.ingress.hosts .Values.hosts | uniq | join "," -}}
{{- end -}}

{{- define "digitforge.apiContainer" -}}
name: api
image: {{ include "digitforge.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
command: [python, -m, app]
securityContext:
  {{- include "digitforge.containerSecurity" . | nindent 2 }}
env:
  {{- include "digitforge.environment" . | nindent 2 }}
  {{- if not (hasKey .Values.settings "DIGITFORGE_API_PROCESSES") }}
  - name: DIGITFORGE_API_PROCESSES
    {{- include "digitforge.cpus" "api" | nindent 4 }}
  {{- end }}
  - name: DIGITFORGE_KEYS_FILE # without keys it would not listen on the pod's address
    value: /etc/digitforge/keys/keys.json
  - name: DIGITFORGE_HOSTS
    value: {{ include "digitforge.hosts" . | quote }}
  {{- with .Values.proxies }}
  - name: DIGITFORGE_PROXIES
    value: {{ join "," . | quote }}
  {{- end }}
{{- include "digitforge.environmentFrom" . }}
ports:
  - { name: http, containerPort: 8000 }
startupProbe: # torch takes seconds to load, more on a busy node
  httpGet: { path: /healthz, port: http }
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 90
livenessProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 6
readinessProbe: # asks Redis too, which may take seconds to fail, and is ready without it
  httpGet: { path: /readyz, port: http }
  periodSeconds: 5
  timeoutSeconds: 10
  failureThreshold: 3
lifecycle:
  preStop:
    exec: { command: [sleep, {{ .Values.api.preStopSeconds | quote }}] }
resources: {{- toYaml .Values.api.resources | nindent 2 }}
volumeMounts:
  {{- include "digitforge.mounts" . | nindent 2 }}
  - { name: keys, mountPath: /etc/digitforge/keys, readOnly: true }
{{- end -}}
