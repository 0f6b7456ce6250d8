#include "gate_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "confine.h"
#include "evidence.h"
#include "voucher.h"

static void on_voucher_message(void *arg, struct wire_view message, int fd);
static void on_voucher_closed(void *arg);

static const struct link_ops voucher_ops = {on_voucher_message,
                                            on_voucher_closed};

static bool
asks_pam(const struct config *config)
{
	for (size_t i = 0; i < config->target_count; i++) {
		if (config->targets[i].identity & 1U << EVIDENCE_PAM)
			return true;
	}
	return false;
}

const char *
gate_voucher_missing(const struct config *config)
{
	if (!asks_pam(config) || geteuid() == 0)
		return NULL;
	return "identity = pam works only when the daemon is started as root";
}

/* The process that keeps root has nothing of the gate's. */
static int
voucher_child(struct gate *g, int fd)
{
	static const struct voucher_config config = {
	    .service = VOUCHER_SERVICE,
	    .check_ms = VOUCHER_CHECK_MS,
	    .hold_ms = VOUCHER_HOLD_MS};

	event_base_free(g->base);
	config_free(g->config);
	log_identity("voucher", NULL);
	if (confine_voucher())
		return voucher_run(&config, fd);
	log_note(LOG_ERROR, "voucher", strerror(errno));
	(void)close(fd);
	return EXIT_FAILURE;
}

bool
gate_fork_voucher(struct gate *g, int *status)
{
	const char *missing = gate_voucher_missing(g->config);
	int fds[2];
	pid_t pid;

	if (missing != NULL)
		log_note(LOG_ERROR, "voucher", missing);
	if (missing != NULL || !asks_pam(g->config))
		return false;
	if (!link_pair(fds)) {
		log_note(LOG_ERROR, "voucher", strerror(errno));
		return false;
	}
	pid = fork();
	if (pid == 0) {
		(void)close(fds[0]);
		*status = voucher_child(g, fds[1]);
		return true;
	}
	(void)close(fds[1]);
	if (pid < 0) {
		log_note(LOG_ERROR, "voucher", strerror(errno));
		(void)close(fds[0]);
		return false;
	}
	g->voucher_pid = pid;
	g->voucher = link_new(g->base, fds[0], &voucher_ops, g);
	return false;
}

int
gate_attach_voucher(struct gate *g, const char *client)
{
	uint8_t datagram[VOUCH_MESSAGE_MAX];
	struct wire_out out = wire_out(datagram, sizeof(datagram));
	const struct vouch_msg msg = {.type = VOUCH_ATTACH,
	                              .client = wire_view_text(client)};
	int fds[2];

	if (g->voucher == NULL || !link_pair(fds))
		return -1;
	vouch_encode(&out, &msg);
	link_send(g->voucher, wire_written(&out), fds[0]);
	return fds[1];
}

/* Such a target may have come with a reload. */
void
gate_check_voucher(const struct gate *g)
{
	if (g->voucher == NULL && asks_pam(g->config))
		log_note(LOG_ERROR, "voucher",
		         "identity = pam needs a start of the daemon as root; "
		         "a reload is not enough");
}

static void
on_voucher_message(void *arg, struct wire_view message, int fd)
{
	(void)arg;
	(void)message;
	if (fd >= 0)
		(void)close(fd);
}

static void
on_voucher_closed(void *arg)
{
	struct gate *g = arg;

	link_free(g->voucher);
	g->voucher = NULL;
}

void
gate_voucher_ended(struct gate *g, int status)
{
	struct log_event ev = log_event(LOG_ERROR, "voucher-ended");

	g->voucher_pid = 0;
	if (g->state != GATE_SERVING)
		return;
	log_number(&ev, "status", status);
	log_text(&ev, "what",
	         "no password can be checked any more: restart the daemon");
	log_write(&ev);
}
