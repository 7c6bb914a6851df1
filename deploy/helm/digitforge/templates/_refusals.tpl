{{- /* What a schema cannot say, because it is about two values: each sentence names them and what is allowed. */ -}}
{{- define "digitforge.refuse" -}}
{{- $api := .Values.api -}}
{{- $worker := .Values.worker -}}
{{- if not .Values.store.url -}}
{{- range $name, $part := dict "api" $api "worker" $worker -}}
{{- if ne (int $part.replicas) 1 -}}
{{- fail (printf "%s.replicas is %v and store.url is empty: only an object store lets several pods share models and jobs; allowed: 1, or a store.url such as s3://bucket/prefix" $name $part.replicas) -}}
{{- end -}}
{{- if $part.autoscaling.enabled -}}
{{- fail (printf "%s.autoscaling.enabled is true and store.url is empty: only an object store lets several pods share models and jobs; allowed: false, or a store.url such as s3://bucket/prefix" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $part := dict "api" $api "worker" $worker -}}
{{- with $part.autoscaling -}}
{{- if gt (int .minReplicas) (int .maxReplicas) -}}
{{- fail (printf "%s.autoscaling.minReplicas is %v; allowed: at most maxReplicas, which is %v" $name .minReplicas .maxReplicas) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $least := add $worker.stopGraceSeconds 20 -}}
{{- if lt (int $worker.terminationGracePeriodSeconds) (int $least) -}}
{{- fail (printf "worker.terminationGracePeriodSeconds is %v: a trainer may take worker.stopGraceSeconds, %v, to save, and the worker 20 more; allowed: at least %v" $worker.terminationGracePeriodSeconds $worker.stopGraceSeconds $least) -}}
{{- end -}}
{{- $least = add $api.preStopSeconds 20 -}}
{{- if lt (int $api.terminationGracePeriodSeconds) (int $least) -}}
{{- fail (printf "api.terminationGracePeriodSeconds is %v: requests under way may take 15 s after api.preStopSeconds, %v; allowed: at least %v" $api.terminationGracePeriodSeconds $api.preStopSeconds $least) -}}
{{- end -}}
{{- with .Values.redis -}}
{{- if and .internal.enabled (or .url .existingSecret) -}}
{{- fail "redis.internal.enabled is true, and redis.url or redis.existingSecret names another Redis; allowed: one of them" -}}
{{- end -}}
{{- if and (not .internal.enabled) (not .url) (not .existingSecret) -}}
{{- fail "redis.internal.enabled is false and there is no other Redis; allowed: redis.url, or redis.existingSecret with the key `url`" -}}
{{- end -}}
{{- if and .url .existingSecret -}}
{{- fail "redis.url and redis.existingSecret are both set; allowed: one of them" -}}
{{- end -}}
{{- end -}}
{{- with .Values.store -}}
{{- if and (not .url) (or .endpoint .existingSecret .accessKeyId .caSecret) -}}
{{- fail "store.endpoint, credentials or a caSecret are set and store.url is empty; allowed: a store.url such as s3://bucket/prefix" -}}
{{- end -}}
{{- if and .existingSecret .accessKeyId -}}
{{- fail "store.existingSecret and store.accessKeyId are both set; allowed: one of them" -}}
{{- end -}}
{{- if ne (empty .accessKeyId) (empty .secretAccessKey) -}}
{{- fail "store.accessKeyId and store.secretAccessKey belong together; allowed: both, or neither" -}}
{{- end -}}
{{- end -}}
{{- if .Values.ingress.enabled -}}
{{- if not .Values.ingress.hosts -}}
{{- fail "ingress.hosts is empty; allowed: the names that clients use, because the API answers to no others" -}}
{{- end -}}
{{- if not .Values.proxies -}}
{{- fail "ingress.enabled is true and proxies is empty: the API would take all clients for one; allowed: the addresses or networks of the ingress controller's pods, such as 10.244.0.0/16" -}}
{{- end -}}
{{- end -}}
{{- if and (or .Values.worker.autoscaling.enabled .Values.monitoring.enabled) (not .Values.metricsKey.existingSecret) -}}
{{- fail "worker.autoscaling and monitoring read GET /metrics, and metricsKey.existingSecret is empty; allowed: a Secret with a key of scope `metrics`" -}}
{{- end -}}
{{- $metrics := get .Values.settings "DIGITFORGE_METRICS" | toString | lower -}}
{{- if and (or .Values.worker.autoscaling.enabled .Values.monitoring.enabled) (has $metrics (list "false" "0" "off" "no")) -}}
{{- fail (printf "settings.DIGITFORGE_METRICS is %s, and worker.autoscaling and monitoring read GET /metrics; allowed: true" $metrics) -}}
{{- end -}}
{{- if and (not .Values.serviceAccount.create) .Values.serviceAccount.annotations -}}
{{- fail "serviceAccount.annotations are set and serviceAccount.create is false; allowed: annotations of an account that the chart makes" -}}
{{- end -}}
{{- end -}}
