#!/bin/bash
# The PKCS#11 URI of each certificate leads to its key: OpenSC's module lists the
# very certificate under the identifier that the URI names, for each family of
# cards, and the stub in the session's view says the same URI.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_own
lab_daemon main

# uris: of the user's certificates, each with its thumbprint
uris() {
	lab_query main certs '.certs[] | select(.user == $user) |
		"\(.sha256) \(.pkcs11_uri)"' --arg user "$1"
}

# of_opensc ID: the thumbprint of the certificate under this identifier
of_opensc() {
	lab_pcsc one pkcs11-tool --module opensc-pkcs11.so --read-object \
		--type cert --id "$1" --output-file "$LAB/run/object" \
		>"$LAB/log/pkcs11" 2>&1 || return 1
	sha256sum "$LAB/run/object" | cut -d ' ' -f 1
}

# stub SHA256: the URI in the stub
stub() {
	openssl asn1parse -in "$(lab_view main "$user")/personal/$1.uri.pem" |
		sed -n 's/.*UTF8STRING *://p'
}

for family in gids piv; do
	user=$family
	count=$LAB_GIDS_CERTS
	[ $family = gids ] || count=$LAB_PIV_CERTS
	lab_card one 5001 $family "$LAB_CARDS/one-$family"
	lab_client $family 3901 one $family
	lab_wait "$family: certificates" lab_has "$count" lab_certs main $family
	while read -r sha256 uri; do
		id=${uri#pkcs11:id=%}
		id=${id%%;*}
		lab_expect "$family: the URI" "pkcs11:id=%$id;type=private" \
			"$uri"
		lab_expect "$family: what OpenSC has under $id" "$sha256" \
			"$(of_opensc "$id")"
		lab_expect "$family: the stub" "$uri" "$(stub "$sha256")"
	done < <(uris $family)
	lab_expect "$family: different keys" "$count" \
		"$(uris $family | cut -d ' ' -f 2 | sort -u | wc -l)"
	lab_stop client-$family
	lab_wait "the session's end" lab_has 0 lab_sessions main
	lab_stop card-one
done
