#!/bin/bash
# Dynamic channels that a policy refuses by name, between real peers: the server
# hears that the channel was not made and goes on without it, and so does the
# client.  One that is open when such a policy comes is closed.  The card, which
# goes another way, is there all the time.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_relay
lab_display 1
lab_shadow 4002 1
conf=$(lab_home main)/conf
log=$LAB/log/daemon-main
display=Microsoft::Windows::RDS::DisplayControl
graphics=Microsoft::Windows::RDS::Graphics
# The last section is the policy of both targets.
cat >>"$conf" <<-END
other_card_channels=no
card_channels=deny $display | deny $graphics
END
sed -i "/^\[policy/i [target shadow]\naddress=$LAB_HOST:4002\nverify=none\nrdpdr=own\nidentity=claimed\npolicy=removal\n\n[listen shadow]\naddress=$LAB_HOST:3902\ntarget=shadow\n" "$conf"
lab_daemon main
lab_card one 5001 gids "$LAB_CARDS/one-gids"

# said EVENT NAME: to the log, with the rule
said() {
	grep -q "$1 name=\"\?$2\"\? .*rule=.*deny $2" "$log"
}

count() {
	grep -c "$1" "$log" || true
}

lab_say "xrdp asks for $display"
lab_client alice 3901 one alice +dynamic-resolution
lab_wait "the refusal" said dynamic-channel-refused "$display"
lab_wait "xrdp hears of it" \
	grep -q 'dynamic_monitor_open_response: error' "$LAB/log/xrdp"
lab_wait "its desktop" grep -q 'connected ok' "$LAB/log/xrdp"
lab_wait "the server has the card" \
	lab_chansrv_says alice "Detected remote smartcard"
lab_wait "the card's certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_alive client-alice || lab_fail "the client has gone"
lab_stop client-alice
lab_wait "the session's end" lab_has 0 lab_sessions main

lab_say "a shadow server asks for $graphics"
lab_client bob 3902 one bob /gfx
lab_wait "the refusal" said dynamic-channel-refused "$graphics"
lab_wait "the card's certificates" lab_has $LAB_GIDS_CERTS lab_certs main bob
lab_never 3 "the client goes" lab_dead client-bob
lab_expect "sessions" 1 "$(lab_sessions main)"
lab_stop client-bob
lab_wait "the session's end" lab_has 0 lab_sessions main

lab_say "one that is open, and a reload that refuses it"
sed -i "s/^card_channels=.*/card_channels=deny urbdrc/" "$conf"
lab_reload main
refused=$(count dynamic-channel-refused)
lab_client carol 3902 one alice /gfx \
	/log-filters:com.freerdp.channels.drdynvc.client:DEBUG
lab_wait "the session" lab_has 1 lab_sessions main
lab_wait "the card" lab_has GIDS lab_reader main family
lab_wait "the channel" grep -q "$graphics" "$LAB/log/client-carol"
sed -i "s/^card_channels=.*/card_channels=deny $graphics/" "$conf"
lab_reload main
lab_wait "it is closed" said dynamic-channel-closed "$graphics"
lab_expect "refusals" "$refused" "$(count dynamic-channel-refused)"
lab_never 3 "the client goes" lab_dead client-carol
lab_expect "sessions" 1 "$(lab_sessions main)"
lab_tell one swap "$LAB_CARDS/one-piv" piv
lab_wait "another card" lab_has PIV lab_reader main family
