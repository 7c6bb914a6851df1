{{- define "digitforge.workerContainer" -}}
{{- $resources := deepCopy .Values.worker.resources -}}
{{- if .Values.worker.gpus -}}
{{- $_ := set $resources "limits" (set ($resources.limits | default dict) "nvidia.com/gpu" .Values.worker.gpus) -}}
{{- end -}}
name: worker
image: {{ include "digitforge.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
command: [python, -m, worker]
securityContext:
  {{- include "digitforge.containerSecurity" . | nindent 2 }}
env:
  {{- include "digitforge.environment" . | nindent 2 }}
  {{- if not (hasKey .Values.settings "DIGITFORGE_TRAINER_THREADS") }}
  - name: DIGITFORGE_TRAINER_THREADS
    {{- include "digitforge.cpus" "worker" | nindent 4 }}
  {{- end }}
  {{- if .Values.monitoring.enabled }}
  - name: DIGITFORGE_WORKER_METRICS_HOST
    value: 0.0.0.0
  - name: DIGITFORGE_WORKER_METRICS_PORT
    value: "9108"
  {{- end }}
{{- include "digitforge.environmentFrom" . }}
{{- if .Values.monitoring.enabled }}
ports:
  - { name: metrics, containerPort: 9108 }
{{- end }}
startupProbe:
  exec: { command: [python, -m, worker.health] }
  periodSeconds: 5
  timeoutSeconds: 10
  failureThreshold: 60
livenessProbe: # a Redis that is away is no reason to end a training
  exec: { command: [python, -m, worker.health, --redis-may-be-away] }
  periodSeconds: 30
  timeoutSeconds: 20
  failureThreshold: 4
readinessProbe:
  exec: { command: [python, -m, worker.health] }
  periodSeconds: 30
  timeoutSeconds: 20
  failureThreshold: 2
resources: {{- toYaml $resources | nindent 2 }}
volumeMounts:
  {{- include "digitforge.mounts" . | nindent 2 }}
{{- end -}}

{{- /* How many jobs a worker trains at once: one on each device. */ -}}
{{- define "digitforge.lanes" -}}
{{- $devices := get .Values.settings "DIGITFORGE_DEVICES" | default "auto" -}}
{{- eq $devices "auto" | ternary (max 1 (int .Values.worker.gpus)) (len (splitList "," $devices)) -}}
{{- end -}}
