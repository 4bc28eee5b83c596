#!/bin/sh
# The probe of MariaDB's official image, as far as the manifest calls it: is it answering?
exec mariadb-admin --user=root ping
