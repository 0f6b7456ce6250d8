#!/bin/bash
# A server that cannot prove who it is gets nothing of the client's: the client
# is refused before a byte of it is relayed.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_pcscd one 5001
lab_xrdp 4001
pin=$(openssl x509 -in "$LAB_PKI/server.pem" -outform DER | sha256sum |
	cut -d ' ' -f 1)
wrong=$(printf '%064d' 0)
lab_config main 3901 pinned
lab_listen main 3902 wrong-pin
lab_listen main 3903 right-ca
lab_listen main 3904 wrong-ca
lab_target main pinned 4001 verify=pin "pin_sha256=$pin" identity=claimed
lab_target main wrong-pin 4001 verify=pin "pin_sha256=$wrong" identity=claimed
lab_target main right-ca 4001 verify=ca "ca_file=$LAB_PKI/one/root.pem" \
	identity=claimed
lab_target main wrong-ca 4001 verify=ca "ca_file=$LAB_PKI/two/root.pem" \
	identity=claimed
lab_daemon main

# xrdp says this once it has decoded the client's first message behind TLS.
greetings() {
	grep -c 'Connected client computer name' "$LAB/log/xrdp" || true
}

for port in 3902 3904; do
	lab_say "refused at $port"
	lab_client refused $port one alice
	lab_wait "the client is refused" lab_dead client-refused
	lab_expect "clients the server has heard" 0 "$(greetings)"
	lab_wait "no session" lab_has 0 lab_sessions main
	unset 'LAB_PID[client-refused]'
done
count=0
for port in 3901 3903; do
	lab_say "admitted at $port"
	lab_client admitted $port one alice
	count=$((count + 1))
	lab_wait "the server hears the client" lab_has $count greetings
	lab_stop client-admitted
done
