#include "session_inside.h"

#include <string.h>
#include <unistd.h>

#include "gate.h"

static void on_keeper_message(void *arg, struct wire_view message, int fd);
static void on_keeper_closed(void *arg);
static void on_gate_message(void *arg, struct wire_view message, int fd);
static void on_gate_closed(void *arg);

static const struct link_ops keeper_ops = {on_keeper_message, on_keeper_closed};
static const struct link_ops gate_ops = {on_gate_message, on_gate_closed};

bool
session_open_links(struct session *s)
{
	s->gate = link_new(s->base, s->start->gate_fd, &gate_ops, s);
	s->keeper = link_new(s->base, s->start->keeper_fd, &keeper_ops, s);
	return s->gate != NULL && s->keeper != NULL;
}

void
session_say_hello(struct session *s)
{
	const struct relay_facts *facts = relay_facts(s->relay);
	struct keep_msg msg = {.type = KEEP_HELLO};

	memcpy(msg.hello.session, s->start->id, KEEP_ID_LEN);
	msg.hello.pid = (uint32_t)getpid();
	msg.hello.started_at = s->start->started_at;
	msg.hello.resumed = s->keeper_again;
	msg.hello.target = wire_view_text(s->target->name);
	msg.hello.client_name = wire_view_text(facts->client_name);
	msg.hello.client_addr = wire_view_text(s->start->client_addr);
	session_tell_keeper(s, &msg);
}

/*
 * Nearly all messages are short: the large buffer, and its pages, are for the
 * ones with a certificate.
 */
void
session_tell_keeper(void *arg, const struct keep_msg *msg)
{
	static uint8_t large[KEEP_MESSAGE_MAX];
	uint8_t small[KEEP_TEXT_MAX];
	struct session *s = arg;
	struct wire_out out = wire_out(small, sizeof(small));

	if (s->keeper == NULL)
		return; /* all is said again when a keeper is back */
	keep_encode(&out, msg);
	if (!wire_out_ok(&out)) {
		out = wire_out(large, sizeof(large));
		keep_encode(&out, msg);
	}
	if (wire_out_ok(&out))
		link_send(s->keeper, wire_written(&out), -1);
	else
		log_note(LOG_ERROR, "keeper-message",
		         "a message did not fit and was not sent");
}

static void
on_keeper_message(void *arg, struct wire_view message, int fd)
{
	struct session *s = arg;
	struct wire_in in = wire_in_view(message);
	struct keep_msg msg;

	if (fd >= 0)
		(void)close(fd);
	if (s->channel == NULL || !keep_decode(&in, &msg) ||
	    msg.type != KEEP_ACK)
		return;
	certprop_acked(channel_certprop(s->channel), msg.seq, &msg.ack,
	               steady_now_ms());
	session_arm_tick(s);
}

static void
on_keeper_closed(void *arg)
{
	struct session *s = arg;

	log_note(LOG_WARNING, "keeper-lost", "waiting for it to come back");
	link_free(s->keeper);
	s->keeper = NULL;
}

/* A keeper that was started again knows nothing of us. */
static void
attach_keeper(struct session *s, int fd)
{
	link_free(s->keeper);
	s->keeper = link_new(s->base, fd, &keeper_ops, s);
	s->keeper_again = true;
	if (s->keeper == NULL || s->channel == NULL)
		return;
	log_note(LOG_NOTICE, "keeper-attached", "asserting again");
	session_say_hello(s);
	certprop_reassert(channel_certprop(s->channel), steady_now_ms());
	usage_say_again(s->usage);
	session_arm_tick(s);
}

/* Where the connection goes to is settled.  The gate has told the faults. */
static void
reload(struct session *s, uint32_t generation)
{
	struct config_faults faults = {0};
	struct config *config = config_load(s->start->config_path, &faults);

	config_faults_clear(&faults);
	if (config != NULL && s->channel != NULL && s->stage == STAGE_RELAY)
		ruling_reload(s->ruling, config, generation);
	else
		config_free(config);
}

/* Before the session begins what it has of them is as good as new. */
static void
refresh(struct session *s, uint32_t generation)
{
	struct config *config = s->start->config;

	if (s->channel != NULL && s->stage == STAGE_RELAY) {
		ruling_refresh(s->ruling, generation);
	} else if (s->ruling == NULL) {
		gpo_free(config_load_policies(config, config->gpos));
		config->policies.generation = generation;
	}
}

static void
on_gate_message(void *arg, struct wire_view message, int fd)
{
	struct session *s = arg;
	struct wire_in in = wire_in_view(message);
	enum gate_word word = (enum gate_word)wire_u8(&in);

	switch (word) {
	case GATE_KEEPER:
		if (fd >= 0)
			attach_keeper(s, fd);
		return;
	case GATE_RELOAD:
		reload(s, wire_u32(&in));
		break;
	case GATE_POLICY:
		refresh(s, wire_u32(&in));
		break;
	case GATE_ACTIVATED:
		break;
	}
	if (fd >= 0)
		(void)close(fd);
}

static void
on_gate_closed(void *arg)
{
	struct session *s = arg;

	link_free(s->gate);
	s->gate = NULL;
	session_dismiss(s, "the daemon ended");
}
