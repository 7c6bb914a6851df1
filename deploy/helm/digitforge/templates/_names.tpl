{{- define "digitforge.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "digitforge.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "digitforge.name" . -}}
{{- (contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name)) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "digitforge.selector" -}}
app.kubernetes.io/name: {{ include "digitforge.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "digitforge.labels" -}}
{{ include "digitforge.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "digitforge.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "digitforge.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "digitforge.fullname" .) "default") -}}
{{- end -}}

{{- /* The component that serves HTTP: pods of its own, or the pod that holds everything. */ -}}
{{- define "digitforge.apiComponent" -}}
{{- .Values.store.url | empty | ternary "machine" "api" -}}
{{- end -}}

{{- define "digitforge.workerComponent" -}}
{{- .Values.store.url | empty | ternary "machine" "worker" -}}
{{- end -}}

{{- define "digitforge.redisSecret" -}}
{{- if .Values.redis.internal.enabled -}}
{{- .Values.redis.internal.existingSecret | default (printf "%s-redis" (include "digitforge.fullname" .)) -}}
{{- else -}}
{{- .Values.redis.existingSecret | default (printf "%s-redis" (include "digitforge.fullname" .)) -}}
{{- end -}}
{{- end -}}

{{- define "digitforge.storeSecret" -}}
{{- .Values.store.existingSecret | default (.Values.store.accessKeyId | empty | ternary "" (printf "%s-store" (include "digitforge.fullname" .))) -}}
{{- end -}}
