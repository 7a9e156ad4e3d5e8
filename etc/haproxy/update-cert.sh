#!/bin/sh
# SPDX-License-Identifier: MIT
# Give a running HAProxy the certificate that is in a file by now, without a reload: connections stay, new ones get it.
#	update-cert.sh [PEM [SOCKET]]
# PEM is named as in the configuration (/etc/llmsec/edge.pem): certificate, chain and key.  Fits as certbot's
# --deploy-hook once that has written the file.  Needs socat.
set -eu
pem=${1:-/etc/llmsec/edge.pem}
sock=${2:-/run/llmsec/haproxy.sock}

# HAProxy ends its input at an empty line, and believes what it got: so look first.
openssl x509 -in "$pem" -noout -checkend 0 >/dev/null || { echo "$pem: no certificate that is valid now" >&2; exit 1; }
[ "$(openssl x509 -in "$pem" -noout -pubkey)" = "$(openssl pkey -in "$pem" -pubout)" ] ||
	{ echo "$pem: the key is not the first certificate's" >&2; exit 1; }
cli() { socat -t 10 - "UNIX-CONNECT:$sock"; }

said=$({ printf 'set ssl cert %s <<\n' "$pem"; sed '/^[[:space:]]*$/d' "$pem"; echo; } | cli)
case $said in
*"Transaction created"*|*"Transaction updated"*) ;;
*)	echo "HAProxy: $said" >&2; exit 1 ;;
esac
said=$(printf 'commit ssl cert %s\n' "$pem" | cli)
case $said in
*Success!*) ;;
*)	printf 'abort ssl cert %s\n' "$pem" | cli >/dev/null
	echo "HAProxy: $said" >&2; exit 1 ;;
esac
openssl x509 -in "$pem" -noout -enddate | sed "s|^notAfter=|$pem: served now, until |"
