{{- define "onceflow.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- /* Labels of what all parts have, then of one: (dict "root" $ "part" "api") */}}
{{- define "onceflow.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "onceflow.labels" -}}
{{ include "onceflow.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "onceflow.account" -}}
{{ .Values.serviceAccount.name | default (include "onceflow.name" .) }}
{{- end }}

{{- /* (dict "root" $ "own" image-of-the-part) */}}
{{- define "onceflow.image" -}}
{{- $own := .own | default dict -}}
{{ $own.repository | default .root.Values.image.repository }}:{{ $own.tag | default .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- /* A value that libpq takes as it is: in quotes, with what ends them escaped. */}}
{{- define "onceflow.libpq" -}}
'{{ . | toString | replace "\\" "\\\\" | replace "'" "\\'" }}'
{{- end }}

{{- /* By which certificates libpq checks the server's own: `system` asks for verify-full. */}}
{{- define "onceflow.roots" -}}
{{- if .caSecret }}{{ " " }}sslrootcert=/etc/onceflow/postgres/ca.crt
{{- else if eq .sslmode "verify-full" }}{{ " " }}sslrootcert=system
{{- end }}
{{- end }}

{{- /* Variables of one part: (dict "root" $ "user" "api" "env" extra) */}}
{{- define "onceflow.env" -}}
{{- $v := .root.Values -}}
{{- $p := $v.postgres -}}
- name: ONCEFLOW_DSN
  value: {{ printf "host=%s port=%v dbname=%s user=%s sslmode=%s%s"
    (include "onceflow.libpq" (required "postgres.host is not set: name the host of your PostgreSQL" $p.host))
    $p.port (include "onceflow.libpq" $p.database) (include "onceflow.libpq" (get $p.users .user)) $p.sslmode
    (include "onceflow.roots" $p) | quote }}
- name: ONCEFLOW_DSN_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ $p.passwords }}, key: {{ .user }}}
- name: ONCEFLOW_TRANSPORT
  value: {{ $v.transport }}
{{- if eq $v.transport "kafka" }}
- name: ONCEFLOW_KAFKA
  value: {{ required "kafka.servers is not set: name the brokers, host:port,…, or set transport: postgres" $v.kafka.servers | quote }}
{{- range $name, $value := $v.kafka.options }}
- name: {{ printf "ONCEFLOW_KAFKA_%s" ($name | replace "." "_" | upper) }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- range $v.kafka.optionsSecretKeys }}
- name: {{ printf "ONCEFLOW_KAFKA_%s" (. | replace "." "_" | upper) }}
  valueFrom:
    secretKeyRef: {name: {{ required "kafka.optionsSecret is not set, and optionsSecretKeys names keys of it" $v.kafka.optionsSecret }}, key: {{ . | quote }}}
{{- end }}
{{- end }}
- name: ONCEFLOW_METRICS_HOST
  value: "0.0.0.0"
- name: ONCEFLOW_METRICS_PORT
  value: {{ $v.metrics.port | quote }}
{{- range $name, $value := $v.settings }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- if and $v.definitionSecrets (has .user (list "api" "worker")) }}
- name: ONCEFLOW_SECRETS_DIR
  value: /etc/onceflow/secrets
{{- end }}
{{- with .env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* What a pod of ours is: (dict "root" $ "part" "api") */}}
{{- define "onceflow.pod" -}}
serviceAccountName: {{ include "onceflow.account" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "onceflow.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{ include "onceflow.selector" . | nindent 8 }}
{{- end }}

{{- define "onceflow.confined" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- /* (dict "root" $ "user" "api" "mounts" extra) */}}
{{- define "onceflow.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if .root.Values.postgres.caSecret }}
- {name: postgres-ca, mountPath: /etc/onceflow/postgres, readOnly: true}
{{- end }}
{{- if and .root.Values.definitionSecrets (has .user (list "api" "worker")) }}
- {name: secrets, mountPath: /etc/onceflow/secrets, readOnly: true}
{{- end }}
{{- with .mounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "onceflow.volumes" -}}
- name: tmp
  emptyDir: {}
{{- with .root.Values.postgres.caSecret }}
- name: postgres-ca
  secret: {secretName: {{ . }}, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- if and .root.Values.definitionSecrets (has .user (list "api" "worker")) }}
- name: secrets
  secret: {secretName: {{ .root.Values.definitionSecrets }}}
{{- end }}
{{- with .volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The probes of a process, on a port by its name. */}}
{{- define "onceflow.probes" -}}
startupProbe:
  httpGet: {path: /health/live, port: {{ . }}}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /health/live, port: {{ . }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /health/ready, port: {{ . }}}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}
