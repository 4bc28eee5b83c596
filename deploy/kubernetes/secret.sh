#!/bin/sh
# secret.sh mysql|postgresql   writes metadata.env and database.env here, with new passwords
# Run it in the folder of an overlay. What is there is kept: a database knows its first password only.
set -eu

stop() {
    echo "secret.sh: $*" >&2
    exit 2
}

case ${1-} in
mysql) port=3306 ;;
postgresql) port=5432 ;;
*) stop "call it as secret.sh mysql or secret.sh postgresql" ;;
esac
[ -f kustomization.yaml ] || stop "no kustomization.yaml here ($PWD): run it in the folder of an overlay"
for file in metadata.env database.env; do
    [ ! -e $file ] || stop "$file is there already; delete it to replace the passwords of a new database"
done

# Hexadecimal, so that nothing needs quoting in the address.
password() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

umask 077
own=$(password)
cat >database.env <<END
password=$own
root-password=$(password)
END
cat >metadata.env <<END
BELTLINE_METADATA=$1://beltline:$own@beltline-database:$port/metadata
END
echo "wrote metadata.env and database.env: keep them out of version control"
