#!/bin/bash
# A throw-away PKI and the cards of its people.
#
# usage: tests/lab/pki.sh DIRECTORY
#
# Two people of two companies, who must never see each other's things:
#
#   alice@one.test   root-one   intermediate-one
#   bob@two.test     root-two   intermediate-two
#
# Below DIRECTORY:
#
#   one/ two/        root.pem intermediate.pem user.pem expired.pem ...
#   cards/one-gids   3 certificates of the user, one of a computer, one
#                    expired; msroots holds the root and the intermediate
#   cards/one-piv    9A 9C 9D 9E, 9C compressed, and two retired keys
#   cards/two-gids, cards/two-piv
#   cards/big-piv    certificates of more than 2 kB
#   cards/empty-piv  an application and nothing in it
#   cards/yubi-piv   one-piv's 9A, and roots in the vendor's objects
#   server.pem server-key.pem   a server's certificate for 127.0.0.1, by root-one
set -euo pipefail
umask 077

[ $# = 1 ] || {
	echo "usage: $0 DIRECTORY" >&2
	exit 2
}
mkdir -p "$1/cards"
cd "$1"

cat >openssl.cnf <<'END'
[req]
distinguished_name = none
prompt = no
[none]
[database]
database = database/index.txt
serial = database/serial
rand_serial = yes
new_certs_dir = database
default_md = sha256
policy = any
[any]
organizationName = optional
commonName = supplied
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[intermediate]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[user]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = clientAuth, 1.3.6.1.4.1.311.20.2.2
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = otherName:1.3.6.1.4.1.311.20.2.3;UTF8:${ENV::UPN}
[mail]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = emailProtection
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = email:${ENV::UPN}
[big]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = clientAuth, 1.3.6.1.4.1.311.20.2.2
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = otherName:1.3.6.1.4.1.311.20.2.3;UTF8:${ENV::UPN}
nsComment = ${ENV::COMMENT}
[computer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:host.one.test
[cardauth]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, 2.16.840.1.101.3.6.8
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost, IP:127.0.0.1
END

export UPN='' COMMENT=''
COMMENT=$(printf '%01500d' 0)

# key NAME [RSA|EC]
key() {
	local options=(-algorithm RSA -pkeyopt rsa_keygen_bits:2048)

	[ "${2:-RSA}" = RSA ] ||
		options=(-algorithm EC -pkeyopt ec_paramgen_curve:P-256)
	[ -e "$1-key.pem" ] ||
		openssl genpkey "${options[@]}" -out "$1-key.pem" 2>/dev/null
}

# request NAME SUBJECT: what its issuer signs
request() {
	openssl req -new -config openssl.cnf -key "$1-key.pem" -subj "$2" \
		-out request.pem
}

# issue NAME SUBJECT EXTENSIONS ISSUER [DAYS]: NAME.pem; an issuer of its own
# name signs itself.
issue() {
	local name=$1 subject=$2 extensions=$3 issuer=$4 days=${5:-365}
	local signer=(-CA "$issuer.pem" -CAkey "$issuer-key.pem")

	key "$name"
	[ "$issuer" != "$name" ] || signer=(-signkey "$name-key.pem")
	request "$name" "$subject"
	openssl x509 -req -in request.pem "${signer[@]}" \
		-extfile openssl.cnf -extensions "$extensions" -days "$days" \
		-set_serial "0x5$(openssl rand -hex 15)" \
		-out "$name.pem" 2>/dev/null
	rm request.pem
}

# issue_expired NAME SUBJECT EXTENSIONS ISSUER: only "ca" sets both dates.
issue_expired() {
	local name=$1 subject=$2 extensions=$3 issuer=$4

	key "$name" EC
	request "$name" "$subject"
	mkdir -p database
	: >database/index.txt
	openssl ca -batch -config openssl.cnf -name database -notext \
		-in request.pem -cert "$issuer.pem" \
		-keyfile "$issuer-key.pem" -extfile openssl.cnf \
		-extensions "$extensions" -startdate 20200101000000Z \
		-enddate 20210101000000Z -out "$name.pem" 2>/dev/null
	rm -r request.pem database
}

der() {
	openssl x509 -in "$1" -outform DER -out "$2"
}

# company DIRECTORY UPN
company() {
	local dir=$1 user=${2%@*}
	local cn=${user^}

	UPN=$2
	mkdir -p "$dir"
	issue "$dir/root" "/O=Company $dir/CN=Root $dir" root "$dir/root" 3650
	issue "$dir/intermediate" "/O=Company $dir/CN=Intermediate $dir" \
		intermediate "$dir/root" 1825
	issue "$dir/user" "/O=Company $dir/CN=$cn" user "$dir/intermediate"
	issue "$dir/sign" "/O=Company $dir/CN=$cn sign" user "$dir/intermediate"
	issue "$dir/mail" "/O=Company $dir/CN=$cn mail" mail "$dir/intermediate"
	issue_expired "$dir/expired" "/O=Company $dir/CN=$cn expired" user \
		"$dir/intermediate"
	key "$dir/retired" EC
	key "$dir/computer" EC
	key "$dir/cardauth" EC
	issue "$dir/retired" "/O=Company $dir/CN=$cn retired" user "$dir/root"
	issue "$dir/computer" "/O=Company $dir/CN=host.$dir.test" computer \
		"$dir/intermediate"
	issue "$dir/cardauth" "/O=Company $dir/CN=Card $dir" cardauth \
		"$dir/intermediate"
}

guid() {
	openssl rand -hex 16 >"$1/guid"
}

gids_card() {
	local dir=$1 card=cards/$1-gids

	mkdir -p "$card"
	guid "$card"
	der "$dir/user.pem" "$card/kxc00.der"
	der "$dir/sign.pem" "$card/ksc01.der"
	der "$dir/mail.pem" "$card/kxc02.der"
	der "$dir/computer.pem" "$card/kxc03.der"
	der "$dir/expired.pem" "$card/kxc04.der"
	openssl crl2pkcs7 -nocrl -certfile "$dir/root.pem" \
		-certfile "$dir/intermediate.pem" -outform DER \
		-out "$card/msroots.p7b"
}

piv_card() {
	local dir=$1 card=cards/$1-piv

	mkdir -p "$card"
	guid "$card"
	der "$dir/user.pem" "$card/9A.der"
	der "$dir/sign.pem" "$card/9C.der"
	gzip -n "$card/9C.der"
	der "$dir/mail.pem" "$card/9D.der"
	der "$dir/cardauth.pem" "$card/9E.der"
	der "$dir/retired.pem" "$card/82.der"
	der "$dir/expired.pem" "$card/83.der"
}

big_card() {
	local card=cards/big-piv slot

	mkdir -p "$card"
	guid "$card"
	UPN=alice@one.test
	for slot in 9A 9C 9D; do
		issue "one/big-$slot" "/O=Company one/CN=Alice big $slot" big \
			one/intermediate
		der "one/big-$slot.pem" "$card/$slot.der"
	done
}

# The minidriver's msroots in the vendor's object: tag 82, the last part.
yubi_card() {
	local card=cards/yubi-piv len

	mkdir -p "$card"
	guid "$card"
	der one/user.pem "$card/9A.der"
	len=$(stat -c %s cards/one-gids/msroots.p7b)
	{
		printf '\x82\x82'
		printf "\\x$(printf %02x $((len >> 8)))"
		printf "\\x$(printf %02x $((len & 255)))"
		cat cards/one-gids/msroots.p7b
	} >"$card/5FFF11.obj"
}

company one alice@one.test
company two bob@two.test
for name in one two; do
	gids_card $name
	piv_card $name
done
big_card
yubi_card
mkdir -p cards/empty-piv
guid cards/empty-piv
issue server "/CN=127.0.0.1" server one/root
