#!/bin/sh
# Makes the database that the variables name, where there is none yet, and starts its server.
set -eu

postgresql() {
    if [ ! -e "$PGDATA/PG_VERSION" ]; then
        initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" \
            --auth-local=trust --auth-host=scram-sha-256
        echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
        pg_ctl --wait --options="-c listen_addresses=" start
        createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
        pg_ctl --wait stop
    fi
    exec postgres -c "listen_addresses=*"
}

mariadb() {
    if [ ! -e /var/lib/mysql/mysql ]; then
        mariadb-install-db --auth-root-authentication-method=normal --skip-test-db >/dev/null
        mariadbd --bootstrap --datadir=/var/lib/mysql <<END
FLUSH PRIVILEGES;
CREATE DATABASE $MARIADB_DATABASE;
CREATE USER '$MARIADB_USER'@'%' IDENTIFIED BY '$(cat "$MARIADB_PASSWORD_FILE")';
GRANT ALL ON $MARIADB_DATABASE.* TO '$MARIADB_USER'@'%';
END
    fi
    exec mariadbd --datadir=/var/lib/mysql --bind-address=0.0.0.0 "$@"
}

if [ -n "${POSTGRES_DB:-}" ]; then postgresql "$@"; else mariadb "$@"; fi
