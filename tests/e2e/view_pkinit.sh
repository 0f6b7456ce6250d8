#!/bin/bash
# Kerberos by certificate (PKINIT) against a KDC whose authority is known from
# the card alone: it works for the session's user, in the session's environment,
# while the card is there, and in no other session.  What the realms trust by
# themselves stays in force.  Both users are proven by their passwords.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
export KRB5_KDC_PROFILE=$LAB/kdc/kdc.conf
kdc=$LAB/kdc
mkdir -p "$kdc"
chmod 755 "$kdc"

# certificate NAME COMPANY REALM EKU NAME-PART...: of a principal, issued by
# the company's root (RFC 4556, 3.2.2 and 3.2.4).
certificate() {
	local name=$1 company=$2 realm=$3 eku=$4 part i=0

	shift 4
	{
		cat <<-END
		[ext]
		basicConstraints = CA:FALSE
		keyUsage = digitalSignature, keyEncipherment, keyAgreement
		extendedKeyUsage = $eku
		subjectAltName = otherName:1.3.6.1.5.2.2;SEQUENCE:principal
		[principal]
		realm = EXP:0, GeneralString:$realm
		name = EXP:1, SEQUENCE:name
		[name]
		type = EXP:0, INTEGER:1
		parts = EXP:1, SEQUENCE:parts
		[parts]
		END
		for part; do
			echo "part$((i++)) = GeneralString:$part"
		done
	} >"$kdc/$name.cnf"
	openssl req -new -newkey rsa:2048 -nodes -keyout "$kdc/$name.key" \
		-subj "/CN=$name" -out "$kdc/$name.csr" 2>/dev/null
	openssl x509 -req -in "$kdc/$name.csr" -CA "$LAB_PKI/$company/root.pem" \
		-CAkey "$LAB_PKI/$company/root-key.pem" \
		-set_serial "0x$(openssl rand -hex 8)" -days 30 \
		-extfile "$kdc/$name.cnf" -extensions ext \
		-out "$kdc/$name.pem" 2>/dev/null
	chmod 644 "$kdc/$name.key"
}

# realm NAME COMPANY: its part of kdc.conf, its database, and alice in it.
realm() {
	local realm=$1 company=$2

	certificate "kdc-$company" "$company" "$realm" 1.3.6.1.5.2.3.5 \
		krbtgt "$realm"
	certificate "alice-$company" "$company" "$realm" 1.3.6.1.5.2.3.4 alice
	cat >>"$kdc/kdc.conf" <<-END
		$realm = {
			database_name = $kdc/$company.db
			key_stash_file = $kdc/$company.stash
			pkinit_identity = FILE:$kdc/kdc-$company.pem,$kdc/kdc-$company.key
			pkinit_anchors = FILE:$LAB_PKI/$company/root.pem
		}
	END
}

cat >"$kdc/kdc.conf" <<END
[kdcdefaults]
	kdc_ports = 8888
	kdc_tcp_ports = 8888
[logging]
	kdc = FILE:$LAB/log/krb5kdc
[realms]
END
realm ONE.TEST one
realm TWO.TEST two
# The realm of the card's authority has an anchor of its own: another one.
cat >"$LAB/etc/krb5.conf" <<END
[libdefaults]
	default_realm = ONE.TEST
	dns_lookup_kdc = false
	dns_lookup_realm = false
	rdns = false
[realms]
	ONE.TEST = {
		kdc = $LAB_HOST:8888
		pkinit_anchors = FILE:$LAB_PKI/two/root.pem
	}
	TWO.TEST = {
		kdc = $LAB_HOST:8888
		pkinit_anchors = FILE:$LAB_PKI/two/root.pem
	}
END
[ -e /etc/krb5.conf ] || lab_fail "there is no /etc/krb5.conf to hide"
mount --bind "$LAB/etc/krb5.conf" /etc/krb5.conf
for realm in ONE.TEST TWO.TEST; do
	kdb5_util -r "$realm" create -s -P lab >>"$LAB/log/kdb5" 2>&1
	kadmin.local -r "$realm" addprinc -randkey +requires_preauth \
		"alice@$realm" >>"$LAB/log/kdb5" 2>&1
done
lab_start krb5kdc-out krb5kdc -n -r ONE.TEST -r TWO.TEST
lab_wait "a KDC" lab_listens 8888

lab_scene_proven
lab_pcscd two 5101
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids" --out
lab_card two 5101 gids "$LAB_CARDS/two-gids"
lab_client alice 3901 one alice
lab_client bob 3901 two bob
lab_wait "alice's session" lab_has pam lab_session main source alice
lab_wait "bob's root" lab_has 1 lab_roots main
bob=$(lab_session main id bob)

# gets_ticket USER SESSION COMPANY REALM: that user of this host, in the
# environment of that user's session, with the key of alice in a file.
gets_ticket() {
	local user=$1 session=$2 company=$3 realm=$4

	lab_as_in main "$session" "$user" env KRB5_TRACE=/dev/stderr \
		kinit -c "MEMORY:" -X \
		"X509_user_identity=FILE:$kdc/alice-$company.pem,$kdc/alice-$company.key" \
		"alice@$realm" </dev/null >"$LAB/log/kinit" 2>&1
}

# The KDC has answered, and its certificate is what is not believed.
refused() {
	! gets_ticket "$@" || lab_fail "$1 gets a ticket of $4 in $2's session"
	grep -qi 'certificate\|anchor' "$LAB/log/kinit" ||
		lab_fail "$1 is refused for another reason"
}

roots_of_alice() {
	echo $(($(lab_roots main) - $(lab_roots main "$bob")))
}

gets_ticket alice alice two TWO.TEST ||
	lab_fail "before insertion the realm's own anchors do not work"
refused alice alice one ONE.TEST
for round in 1 2; do
	lab_tell one insert
	lab_wait "the root" lab_has 1 roots_of_alice
	gets_ticket alice alice one ONE.TEST ||
		lab_fail "no ticket with the card's root, round $round"
	gets_ticket alice alice two TWO.TEST ||
		lab_fail "with the card the realm's own anchors do not work"
	refused bob alice one ONE.TEST
	refused bob bob one ONE.TEST
	gets_ticket bob bob two TWO.TEST ||
		lab_fail "bob's session trusts no realm"
	lab_tell one remove
	lab_wait "the root is gone" lab_has 0 roots_of_alice
	refused alice alice one ONE.TEST
	gets_ticket alice alice two TWO.TEST ||
		lab_fail "after removal the realm's own anchors do not work"
done
