# shellcheck shell=bash
# The real peers of the lab: card stacks, servers and clients, each a process that
# lab_start runs.  Sourced by lab.sh.

# --- the card stack of a client ------------------------------------------

# lab_pcscd NAME PORT [READER]: a pcscd of its own with one virtual reader of two
# slots, at PORT and PORT + 1, called "Virtual PCD READER" (NAME, if left out).
# Its programs get lab_socket NAME.
lab_pcscd() {
	local name=$1 port=$2 run=$LAB/pcscd-$1 conf=$LAB/readers-$1 library
	local reader=${3:-$1}

	library=$(ls /usr/lib/pcsc/drivers/serial/libifdvpcd.so* | head -n 1)
	mkdir -p "$run" "$conf"
	printf 'FRIENDLYNAME "Virtual PCD %s"\nDEVICENAME /dev/null:0x%x\nLIBPATH %s\nCHANNELID 0x%x\n' \
		"$reader" "$port" "$library" "$port" >"$conf/vpcd"
	lab_pcscd_start "$name"
	lab_wait "reader of pcscd $name" lab_listens "$port"
}

# lab_pcscd_bare NAME: the same of a machine without readers.
lab_pcscd_bare() {
	mkdir -p "$LAB/pcscd-$1" "$LAB/readers-$1"
	lab_pcscd_start "$1"
}

lab_pcscd_start() {
	local name=$1 run=$LAB/pcscd-$1 conf=$LAB/readers-$1
	local options=(--foreground)

	# From 2.0 on it asks polkit, also about root, and there is none here.
	! pcscd --help 2>&1 | grep -q -e --disable-polkit ||
		options+=(--disable-polkit)
	# shellcheck disable=SC2016
	lab_start "pcscd-$name" unshare --mount bash -c '
		mount --bind "$1" /run/pcscd
		mount --bind "$2" /etc/reader.conf.d
		shift 2
		exec pcscd "$@"' pcscd "$run" "$conf" "${options[@]}"
	lab_wait "pcscd $name" test -S "$run/pcscd.comm"
}

lab_socket() {
	echo "$LAB/pcscd-$1/pcscd.comm"
}

# lab_pcsc NAME COMMAND...: a PC/SC program of that machine.
lab_pcsc() {
	local name=$1

	shift
	PCSCLITE_CSOCK_NAME=$(lab_socket "$name") timeout 60 "$@"
}

# lab_card NAME PORT piv|gids DIRECTORY [OPTION...]: a card in that reader;
# --out to begin outside of it.
lab_card() {
	local name=$1 port=$2 profile=$3 dir=$4

	shift 4
	lab_start "card-$name" "$LAB_BUILD/tests/card/vcard" \
		"--$profile" "$dir" --port "$port" --log "$LAB/log/verify" \
		--control "$LAB/run/card-$name" "$@"
	lab_wait "card $name" test -S "$LAB/run/card-$name"
}

# lab_tell NAME COMMAND...: see vcard.c
lab_tell() {
	local name=$1

	shift
	"$LAB_BUILD/tests/card/vcard" --tell "$LAB/run/card-$name" "$@"
}

# --- servers and clients -------------------------------------------------

# lab_display NUMBER: an X server without a screen.
lab_display() {
	lab_start "display-$1" Xvfb ":$1" -screen 0 1024x768x24 -nolisten tcp \
		-noreset
	# Its socket is there a moment before it takes connections; with a reset
	# after its last client it would refuse the next for a moment.
	lab_wait "display $1" xdpyinfo -display ":$1"
}

# FreeRDP's certificate is made by itself, on first use, in the home.
lab_shadow() {
	local port=$1 display=$2

	mkdir -p "$LAB/home/shadow-$port"
	lab_start "shadow-$port" env DISPLAY=":$display" \
		HOME="$LAB/home/shadow-$port" \
		${LAB_OPENSSL_CONF:+OPENSSL_CONF="$LAB_OPENSSL_CONF"} \
		stdbuf -oL freerdp-shadow-cli3 "/port:$port" \
		"/bind-address:$LAB_HOST" /sec:tls -auth
	lab_wait "shadow server at $port" lab_listens "$port"
}

# lab_desk NAME PORT: FreeRDP's server half, see logonserver.c.  It says who has
# logged on and how that ends when lab_order tells it to.
lab_desk() {
	local name=$1 port=$2 program=$LAB_BUILD/tests/logon/logonserver

	[ -x "$program" ] || lab_fail "no logonserver: freerdp3-dev was missing"
	mkfifo "$LAB/run/desk-$name"
	# Its own end for writing keeps it from an end of file.
	# shellcheck disable=SC2016
	lab_start "desk-$name" bash -c 'exec "$@" <>"$0"' \
		"$LAB/run/desk-$name" "$program" "$port" \
		"$LAB_PKI/server.pem" "$LAB_PKI/server-key.pem"
	lab_wait "desk $name" lab_listens "$port"
}

# lab_order NAME ORDER...: followed by all that are connected.
lab_order() {
	local name=$1

	shift
	echo "$*" >"$LAB/run/desk-$name"
}

# lab_connections NAME: how many that desk has had.
lab_connections() {
	grep -c active "$LAB/log/desk-$1" || true
}

# lab_logon DESK PORT PCSCD NAME ID: the client of that name connects at PORT, and
# the desk says who has logged on as ID: the beginning of NAME, up to a "-", in
# the domain "lab".
lab_logon() {
	local desk=$1 port=$2 pcscd=$3 name=$4 id=$5 user=${4%%-*} had

	had=$(lab_connections "$desk")
	lab_client "$name" "$port" "$pcscd" "$user"
	lab_wait "activation" lab_has $((had + 1)) lab_connections "$desk"
	lab_order "$desk" v2 "$id" "$user" LAB
	lab_wait "the log-on of $user" lab_is 1 main sessions "[.sessions[] |
		select(.host_session == \"rdp:$id\")] | length"
}

# lab_logoff DESK NAME: that client's desk says that its log-on is over.
lab_logoff() {
	lab_order "$1" leave
	lab_wait "the end at desk $1" lab_has 0 lab_connected "$1"
	# After the server's end this client may wait for its card for long.
	lab_stop "client-$2" KILL 2>/dev/null
}

# lab_connected NAME: how many that desk has now.
lab_connected() {
	echo $(($(grep -c active "$LAB/log/desk-$1" || true) - \
		$(grep -c gone "$LAB/log/desk-$1" || true)))
}

# lab_xrdp PORT: sesman and xrdp with Xvnc; users alice and bob, password
# "secret".  Its configuration is a changed copy of the package's own.
lab_xrdp() {
	local port=$1 conf=$LAB/xrdp

	cp -r /etc/xrdp "$conf"
	rm -f "$conf/cert.pem" "$conf/key.pem"
	cp "$LAB_PKI/server.pem" "$conf/cert.pem"
	cp "$LAB_PKI/server-key.pem" "$conf/key.pem"
	chmod 755 "$conf"
	chmod 644 "$conf/key.pem"
	[ -s "$conf/rsakeys.ini" ] ||
		xrdp-keygen xrdp "$conf/rsakeys.ini" >/dev/null
	sed -i -e "s|^port=3389|port=tcp://$LAB_HOST:$port|" \
		-e "s|^certificate=.*|certificate=$conf/cert.pem|" \
		-e "s|^key_file=.*|key_file=$conf/key.pem|" \
		-e 's|^#*autorun=.*|autorun=Xvnc|' \
		-e "s|^LogFile=.*|LogFile=$LAB/log/xrdp|" \
		-e 's|^EnableSyslog=.*|EnableSyslog=false|' \
		-e '/^\[Xorg\]/,/^$/d' "$conf/xrdp.ini"
	sed -i -e "s|^LogFile=.*|LogFile=$LAB/log/xrdp-sesman|" \
		-e 's|^EnableSyslog=.*|EnableSyslog=false|' \
		-e 's|^KillDisconnected=.*|KillDisconnected=true|' \
		-e '/^\[Chansrv\]/a EnableFuseMount=false' "$conf/sesman.ini"
	mount --bind "$conf" /etc/xrdp
	# chansrv cannot make its sockets elsewhere, and says nothing about it.
	mkdir -p /run/xrdp/sockdir
	chown xrdp:xrdp /run/xrdp
	chmod 3777 /run/xrdp/sockdir
	lab_start xrdp-sesman-out xrdp-sesman -n
	lab_start xrdp-out xrdp -n
	lab_wait "xrdp at $port" lab_listens "$port"
}

# The log of a user's chansrv, which is the server's half of rdpdr.
lab_chansrv_says() {
	grep -rqs -- "$2" "$LAB/home/$1/.local/share/xrdp/"
}

# lab_server_card USER COMMAND...: see servercard.c; it runs as a program of that
# user's session.
lab_server_card() {
	local user=$1 home=$LAB/home/$1 program=$LAB/run/servercard socket

	shift
	# Where the build is, a user may not look.
	[ -e "$program" ] ||
		install -m 755 "$LAB_BUILD/tests/chansrv/servercard" "$program"
	socket=$(find "$home" -path '*/.pcsc*/pcscd.comm' | head -n 1)
	timeout 120 setpriv --reuid="$user" --regid="$user" --clear-groups \
		"$program" "$socket" "$@"
}

# lab_client NAME PORT PCSCD USER [OPTION...]: FreeRDP's client, with the smart
# cards of that pcscd; its display is :50.  No clipboard: that is a file system
# of the client's own, and a client that is killed in it does not go.
lab_client() {
	local name=$1 port=$2 pcscd=$3 user=$4

	shift 4
	[ -n "${LAB_PID[display-50]:-}" ] || lab_display 50
	mkdir -p "$LAB/home/client-$name"
	lab_start "client-$name" env DISPLAY=:50 \
		HOME="$LAB/home/client-$name" \
		PCSCLITE_CSOCK_NAME="$(lab_socket "$pcscd")" \
		${LAB_OPENSSL_CONF:+OPENSSL_CONF="$LAB_OPENSSL_CONF"} \
		stdbuf -oL xfreerdp3 "/v:$LAB_HOST:$port" /cert:ignore \
		/sec:tls "/u:$user" /p:secret /smartcard -clipboard \
		/size:800x600 "$@"
}

# lab_client_with COMMAND NAME PCSCD OPTION...: any other client; it says yes to
# the server's certificate when it asks.
lab_client_with() {
	local command=$1 name=$2 pcscd=$3

	shift 3
	[ -n "${LAB_PID[display-50]:-}" ] || lab_display 50
	mkdir -p "$LAB/home/client-$name"
	echo yes >"$LAB/home/client-$name/answer"
	# shellcheck disable=SC2016
	lab_start "client-$name" env DISPLAY=:50 \
		HOME="$LAB/home/client-$name" \
		PCSCLITE_CSOCK_NAME="$(lab_socket "$pcscd")" \
		${LAB_OPENSSL_CONF:+OPENSSL_CONF="$LAB_OPENSSL_CONF"} \
		bash -c 'exec "$@" <"$HOME/answer"' client \
		stdbuf -oL "$command" "$@"
}

# lab_rdesktop NAME PORT PCSCD USER, lab_freerdp2 NAME PORT PCSCD USER
lab_rdesktop() {
	lab_client_with rdesktop "$1" "$3" -u "$4" -p secret -r scard \
		-g 800x600 "$LAB_HOST:$2"
}

lab_freerdp2() {
	lab_client_with xfreerdp "$1" "$3" "/v:$LAB_HOST:$2" /cert:ignore \
		/sec:tls "/u:$4" /p:secret /smartcard -clipboard /size:800x600
}
