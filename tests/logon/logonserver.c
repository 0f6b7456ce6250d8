/*
 * FreeRDP's own server half, with an empty desktop: says of the log-on what it
 * is told to on its standard input, to all that are connected.
 *
 *	logonserver PORT CERTIFICATE KEY
 *
 *	v2 ID USER [DOMAIN]	Save Session Info: this account has logged on
 *				(version 1 its own client cannot read)
 *	plain			the same, without a name
 *	cookie ID		an auto-reconnect cookie for this session
 *	error CODE		Set Error Info
 *	leave			MCS ultimatum, reason user-requested, and close
 *	drop			close without a word
 *
 * Prints "active NUMBER" when a connection has come through its activation, and
 * "gone NUMBER" at its end.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <freerdp/crypto/certificate.h>
#include <freerdp/crypto/privatekey.h>
#include <freerdp/freerdp.h>
#include <freerdp/listener.h>
#include <freerdp/peer.h>
#include <freerdp/session.h>
#include <freerdp/settings.h>
#include <winpr/synch.h>

enum { LINE = 256, HANDLES = 32, WAIT_MS = 50 };

static const char *cert_path;
static const char *key_path;

/* The last order; connections that were active then follow it once. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char order[LINE];
static unsigned orders;
static unsigned connections;

static void
say(const char *what, unsigned number)
{
	(void)printf("%s %u\n", what, number);
	(void)fflush(stdout);
}

static BOOL
send_logon(freerdp_peer *peer, UINT32 type, UINT32 id, char *user, char *domain)
{
	struct rdp_logon_info info = {id, user, domain};

	return peer->context->update->SaveSessionInfo(peer->context, type,
	                                              &info);
}

static BOOL
send_cookie(freerdp_peer *peer, UINT32 id)
{
	struct rdp_logon_info_ex info = {.haveCookie = TRUE, .LogonId = id};

	return peer->context->update->SaveSessionInfo(
	    peer->context, INFO_TYPE_LOGON_EXTENDED_INF, &info);
}

static BOOL
send_error(freerdp_peer *peer, UINT32 code)
{
	freerdp_set_error_info(peer->context->rdp, code);
	return freerdp_send_error_info(peer->context->rdp);
}

/* False: the connection is to be closed. */
static BOOL
follow(freerdp_peer *peer, const char *line)
{
	char verb[16] = "";
	char user[64] = "";
	char domain[64] = "";
	char number[16] = "0";
	UINT32 id;

	(void)sscanf(line, "%15s %15s %63s %63s", verb, number, user, domain);
	id = (UINT32)strtoul(number, NULL, 0);
	if (strcmp(verb, "v2") == 0)
		return send_logon(peer, INFO_TYPE_LOGON_LONG, id, user, domain);
	if (strcmp(verb, "plain") == 0)
		return send_logon(peer, INFO_TYPE_LOGON_PLAIN_NOTIFY, 0, user,
		                  domain);
	if (strcmp(verb, "cookie") == 0)
		return send_cookie(peer, id);
	if (strcmp(verb, "error") == 0)
		return send_error(peer, id);
	if (strcmp(verb, "leave") == 0)
		(void)peer->Close(peer);
	return FALSE;
}

/* An order that has not been followed yet. */
static bool
take_order(unsigned *seen, char line[LINE])
{
	bool there;

	(void)pthread_mutex_lock(&lock);
	there = *seen != orders;
	*seen = orders;
	memcpy(line, order, LINE);
	(void)pthread_mutex_unlock(&lock);
	return there;
}

static BOOL
yes(freerdp_peer *peer)
{
	(void)peer;
	return TRUE;
}

static BOOL
settle(freerdp_peer *peer)
{
	rdpSettings *settings = peer->context->settings;
	rdpCertificate *cert = freerdp_certificate_new_from_file(cert_path);
	rdpPrivateKey *key = freerdp_key_new_from_file(key_path);

	peer->PostConnect = yes;
	peer->Activate = yes;
	return cert != NULL && key != NULL &&
	       freerdp_settings_set_pointer_len(
		   settings, FreeRDP_RdpServerCertificate, cert, 1) &&
	       freerdp_settings_set_pointer_len(
		   settings, FreeRDP_RdpServerRsaKey, key, 1) &&
	       freerdp_settings_set_bool(settings, FreeRDP_RdpSecurity,
	                                 FALSE) &&
	       freerdp_settings_set_bool(settings, FreeRDP_TlsSecurity, TRUE) &&
	       freerdp_settings_set_bool(settings, FreeRDP_NlaSecurity,
	                                 FALSE) &&
	       freerdp_settings_set_uint32(settings, FreeRDP_ColorDepth, 32) &&
	       peer->Initialize(peer);
}

static void
serve(freerdp_peer *peer, unsigned number)
{
	HANDLE handles[HANDLES];
	char line[LINE];
	unsigned seen = 0;
	bool active = false;

	for (;;) {
		DWORD count = peer->GetEventHandles(peer, handles, HANDLES);

		if (count == 0 ||
		    WaitForMultipleObjects(count, handles, FALSE, WAIT_MS) ==
		        WAIT_FAILED ||
		    !peer->CheckFileDescriptor(peer))
			return;
		if (!active && peer->activated) {
			active = true;
			(void)take_order(&seen, line);
			say("active", number);
		}
		if (active && take_order(&seen, line) && !follow(peer, line))
			return;
	}
}

static void *
run(void *arg)
{
	freerdp_peer *peer = arg;
	unsigned number;

	(void)pthread_mutex_lock(&lock);
	number = ++connections;
	(void)pthread_mutex_unlock(&lock);
	if (freerdp_peer_context_new(peer)) {
		if (settle(peer))
			serve(peer, number);
		peer->Disconnect(peer);
		freerdp_peer_context_free(peer);
	}
	freerdp_peer_free(peer);
	say("gone", number);
	return NULL;
}

static BOOL
on_peer(freerdp_listener *listener, freerdp_peer *peer)
{
	pthread_t thread;

	(void)listener;
	if (pthread_create(&thread, NULL, run, peer) != 0)
		return FALSE;
	(void)pthread_detach(thread);
	return TRUE;
}

static void *
listen_to_orders(void *arg)
{
	char line[LINE];

	(void)arg;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		(void)pthread_mutex_lock(&lock);
		memcpy(order, line, sizeof(order));
		orders++;
		(void)pthread_mutex_unlock(&lock);
	}
	exit(0);
}

int
main(int argc, char **argv)
{
	freerdp_listener *listener = freerdp_listener_new();
	HANDLE handles[HANDLES];
	pthread_t thread;

	if (argc != 4 || listener == NULL)
		return 2;
	cert_path = argv[2];
	key_path = argv[3];
	(void)signal(SIGPIPE, SIG_IGN);
	listener->PeerAccepted = on_peer;
	if (!listener->Open(listener, "127.0.0.1",
	                    (UINT16)strtoul(argv[1], NULL, 10)) ||
	    pthread_create(&thread, NULL, listen_to_orders, NULL) != 0)
		return 1;
	for (;;) {
		DWORD count =
		    listener->GetEventHandles(listener, handles, HANDLES);

		if (count == 0 ||
		    WaitForMultipleObjects(count, handles, FALSE, INFINITE) ==
		        WAIT_FAILED ||
		    !listener->CheckFileDescriptor(listener))
			return 1;
	}
}
