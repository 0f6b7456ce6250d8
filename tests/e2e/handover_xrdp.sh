#!/bin/bash
# A server that announces late: the proxy plays its half first, and when the
# server speaks after all it takes over. The card's certificates are there
# before and after, and the server has the card.
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"
lab_scene_relay
sed -i 's/rdpdr=relay/rdpdr=auto\nown_after=1/' "$(lab_home main)/conf"
# A desktop that takes its time: chansrv starts after sesman's session does.
chansrv=$(command -v xrdp-chansrv)
cp "$chansrv" "$LAB/run/chansrv"
printf '#!/bin/sh\nsleep 8\nexec -a xrdp-chansrv "%s" "$@"\n' \
	"$LAB/run/chansrv" >"$LAB/run/late"
sed -i 's|^#!/bin/sh|#!/bin/bash|' "$LAB/run/late"
chmod 755 "$LAB/run/late" "$LAB/run"
mount --bind "$LAB/run/late" "$chansrv"
lab_daemon main

lab_card one 5001 gids "$LAB_CARDS/one-gids"
lab_client alice 3901 one alice
lab_wait "the proxy plays the server's half" \
	lab_has own lab_session main role
lab_wait "the card's certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_wait "the card's root" lab_has 1 lab_roots main
! lab_chansrv_says alice "Detected remote smartcard" ||
	lab_fail "the server was not late"

lab_wait "the server sees the card" \
	lab_chansrv_says alice "Detected remote smartcard"
lab_wait "the server has taken over" lab_has relay lab_session main role
lab_wait "certificates" lab_has $LAB_GIDS_CERTS lab_certs main alice
lab_wait "the card's root, still or again" lab_has 1 lab_roots main

lab_tell one swap "$LAB_CARDS/one-piv" piv
lab_wait "the new card" lab_has PIV lab_reader main family
lab_tell one remove
lab_wait "no root" lab_has 0 lab_roots main
lab_alive client-alice || lab_fail "the client has gone"
