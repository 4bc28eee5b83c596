#!/bin/sh
# Starts Airflow on this machine, listening on 127.0.0.1 alone.
#
# start.sh            all of it, until Ctrl-C or SIGTERM
# start.sh prepare    makes or upgrades the database, the pool for GPU nodes and a password
# start.sh COMMAND …  any command of `airflow` with the settings below; `scheduler`, `dag-processor`,
#                     `api-server` and `triggerer` are what a service manager starts
#
# A site sets what differs in the environment: each value below gives way to one that is there.
set -eu
umask 077
here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
venv=${BELTLINE_AIRFLOW_VENV:-$repo/.venv-airflow}

stop() {
    echo "beltline airflow: $*" >&2
    exit 2
}

default() {
    eval "value=\${$1-}"
    export "$1=${value:-$2}"
}

[ -x "$venv/bin/airflow" ] || stop "there is no Airflow in $venv: call make airflow, or
sh requirements/install.sh airflow"

default AIRFLOW_HOME "$repo/.beltline/airflow"
default AIRFLOW__DATABASE__SQL_ALCHEMY_CONN "sqlite:///$AIRFLOW_HOME/airflow.db"
default AIRFLOW__CORE__DAGS_FOLDER "$repo/build/airflow"
default AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION False
default AIRFLOW__CORE__LOAD_EXAMPLES False
default AIRFLOW__CORE__PARALLELISM 4
default AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE "$AIRFLOW_HOME/passwords.json"

default AIRFLOW__API__HOST 127.0.0.1
default AIRFLOW__API__PORT 8080
default AIRFLOW__API__BASE_URL "http://127.0.0.1:$AIRFLOW__API__PORT"
default AIRFLOW__CORE__EXECUTION_API_SERVER_URL "http://127.0.0.1:$AIRFLOW__API__PORT/execution/"
# Nothing between the components goes through a proxy.
export NO_PROXY="127.0.0.1,localhost${NO_PROXY:+,$NO_PROXY}"
export no_proxy="$NO_PROXY"

# A task starts as soon as the one before it has ended; the default lets up to a second pass.
default AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME 0.1
# A task hears at its heartbeat that somebody has marked it failed, or cleared it.
default AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL 2
# A task whose process is gone is failed, or tried again, after so many seconds.
default AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT 60
default AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL 5
# A pipeline that has been compiled again is there within seconds.
default AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL 5
default AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL 10
default AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL 5
# Requests and rounds of parsing are not worth a line each.
default AIRFLOW__LOGGING__UVICORN_LOGGING_LEVEL WARNING
default AIRFLOW__DAG_PROCESSOR__PRINT_STATS_INTERVAL 0

prepare() {
    mkdir -p "$AIRFLOW_HOME/logs" "$AIRFLOW__CORE__DAGS_FOLDER"
    log=$AIRFLOW_HOME/logs/prepare.log
    if ! "$venv/bin/airflow" db migrate >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        stop "Airflow refuses its settings or its database (AIRFLOW__DATABASE__SQL_ALCHEMY_CONN); see $log"
    fi
    "$venv/bin/airflow" pools get gpu >>"$log" 2>&1 ||
        "$venv/bin/airflow" pools set gpu 1 "Nodes on a GPU: a slot for each GPU" >>"$log" 2>&1 ||
        stop "the pool gpu can't be made; see $log"
    passwords=$AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE
    [ -s "$passwords" ] ||
        printf '{"admin": "%s"}\n' "$(head -c 18 /dev/urandom | base64 | tr '+/' '-_')" >"$passwords"
}

case ${1-} in
"") exec "$venv/bin/python" "$here/components.py" ;;
prepare) prepare ;;
# Their log servers listen on every interface; on one machine the API server finds the files.
scheduler | triggerer) exec "$venv/bin/airflow" "$@" --skip-serve-logs ;;
*) exec "$venv/bin/airflow" "$@" ;;
esac
