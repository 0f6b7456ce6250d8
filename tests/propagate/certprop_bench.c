#include "certprop_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bench_certs bench_made;

static void
append(char *to, size_t size, const char *text)
{
	size_t used = strlen(to);

	assert_true(used + strlen(text) + 2 < size);
	(void)snprintf(to + used, size - used, "%s%s", used == 0 ? "" : " ",
	               text);
}

static void
on_read(void *arg, uint32_t reader, const struct card_hints *hints)
{
	struct bench *b = arg;
	char text[32];

	(void)snprintf(text, sizeof(text), "read:%u", reader);
	append(b->asked, sizeof(b->asked), text);
	b->hints = *hints;
	if (b->fail_at_once)
		certprop_card_failed(b->cp, reader, CERTPROP_PERMANENT,
		                     "no channel", b->now);
}

static void
on_cancel(void *arg, uint32_t reader)
{
	struct bench *b = arg;
	char text[32];

	(void)snprintf(text, sizeof(text), "cancel:%u", reader);
	append(b->asked, sizeof(b->asked), text);
}

static void
record_state(struct bench *b, const struct keep_state *state)
{
	(void)snprintf(b->state, sizeof(b->state), "%s %.*s",
	               keep_session_state_name(state->state),
	               (int)state->user.len, (const char *)state->user.data);
	(void)snprintf(b->host_session, sizeof(b->host_session), "%.*s",
	               (int)state->host_session.len,
	               (const char *)state->host_session.data);
	(void)snprintf(b->reason, sizeof(b->reason), "%.*s",
	               (int)state->reason.len,
	               (const char *)state->reason.data);
}

static void
record_reader(struct bench *b, const struct keep_reader *reader)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%u:%s", reader->reader,
	               keep_card_state_name(reader->card));
	append(b->cards, sizeof(b->cards), text);
	(void)snprintf(b->card_reason, sizeof(b->card_reason), "%.*s",
	               (int)reader->reason.len,
	               (const char *)reader->reason.data);
}

static void
record_begin(struct bench *b, const struct keep_begin *begin)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "begin:%u/%02x", begin->reader,
	               begin->card_id[0]);
	append(b->told, sizeof(b->told), text);
	b->cleanup = begin->cleanup;
	b->user_cleanup = begin->user_cleanup;
	b->archive_stale = begin->archive_stale;
}

static void
record_cert(struct bench *b, const struct keep_cert *cert)
{
	static const char *const kinds[] = {
	    "", "user", "request", "anchor", "intermediate", "preexisting"};
	char text[128];

	(void)snprintf(text, sizeof(text), "%s(%.*s)", kinds[cert->kind],
	               (int)cert->subject.len,
	               (const char *)cert->subject.data);
	append(b->told, sizeof(b->told), text);
	(void)snprintf(text, sizeof(text), "%.*s", (int)cert->subject.len,
	               (const char *)cert->subject.data);
	if (cert->logon_eligible)
		append(b->fit, sizeof(b->fit), text);
	if (cert->host)
		append(b->host, sizeof(b->host), text);
	b->enrollments += cert->enrollment.len > 0 ? 1 : 0;
	(void)snprintf(text, sizeof(text), "%.*s", (int)cert->container.len,
	               (const char *)cert->container.data);
	if (cert->container.len > 0)
		append(b->keys, sizeof(b->keys), text);
}

static void
record_release(struct bench *b, const struct keep_release *release)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "release:%u%s%s", release->reader,
	               release->roots ? "+roots" : "",
	               release->user ? "+user" : "");
	append(b->told, sizeof(b->told), text);
}

/* The end of the first scan is counted, others are told. */
static void
record_synced(struct bench *b)
{
	if (b->scanning)
		b->scans++;
	else
		append(b->told, sizeof(b->told), "synced");
	b->scanning = false;
}

static void
record(struct bench *b, const struct keep_msg *msg)
{
	char text[128];

	switch (msg->type) {
	case KEEP_STATE:
		record_state(b, &msg->state);
		return;
	case KEEP_READER:
		record_reader(b, &msg->reader);
		return;
	case KEEP_READER_GONE:
		(void)snprintf(text, sizeof(text), "%u:gone",
		               msg->reader.reader);
		append(b->cards, sizeof(b->cards), text);
		return;
	case KEEP_BEGIN:
		record_begin(b, &msg->begin);
		return;
	case KEEP_CERT:
		record_cert(b, &msg->cert);
		return;
	case KEEP_COMMIT:
		append(b->told, sizeof(b->told), "commit");
		b->commit_seq = msg->seq;
		return;
	case KEEP_RELEASE:
		record_release(b, &msg->release);
		return;
	case KEEP_SYNCED:
		record_synced(b);
		return;
	case KEEP_EVENT:
		(void)snprintf(text, sizeof(text), "%.*s",
		               (int)msg->event.name.len,
		               (const char *)msg->event.name.data);
		append(b->news, sizeof(b->news), text);
		return;
	case KEEP_END:
		append(b->told, sizeof(b->told), "end");
		b->over = msg->over;
		b->ended = true;
		return;
	case KEEP_RULES:
		b->rules = msg->rules;
		b->rules_told++;
		return;
	case KEEP_HELLO:
	case KEEP_USAGE:
	case KEEP_ACK:
	case KEEP_ATTACH:
	case KEEP_ATTACHED_ALL:
	case KEEP_LOGOFF:
	case KEEP_READY:
	case KEEP_RULED_ALL:
		fail();
	}
}

/* Whatever is said must fit a datagram and come out of it again. */
static void
on_tell(void *arg, const struct keep_msg *msg)
{
	struct bench *b = arg;
	uint8_t *datagram = malloc(KEEP_MESSAGE_MAX);
	struct wire_out out = wire_out(datagram, KEEP_MESSAGE_MAX);
	struct wire_in in;
	struct keep_msg back;

	assert_non_null(datagram);
	assert_false(b->ended);
	keep_encode(&out, msg);
	assert_true(wire_out_ok(&out));
	in = wire_in_view(wire_written(&out));
	assert_true(keep_decode(&in, &back));
	record(b, &back);
	free(datagram);
}

const struct certprop_ops bench_ops = {on_read, on_cancel, on_tell};

void
bench_forget(struct bench *b)
{
	b->told[0] = b->cards[0] = b->news[0] = b->asked[0] = '\0';
	b->fit[0] = b->host[0] = b->keys[0] = '\0';
	b->enrollments = 0;
}

static void
put_cert(struct card_cert *to, const struct pki_cert *cert, const char *slot)
{
	memset(to, 0, sizeof(*to));
	to->der = (uint8_t *)(uintptr_t)pki_der(cert).data;
	to->len = pki_der(cert).len;
	to->key_spec = 1;
	(void)snprintf(to->slot, sizeof(to->slot), "%s", slot);
}

void
bench_add_cert(struct bench *b, const struct pki_cert *cert, const char *slot)
{
	put_cert(&b->content.certs[b->content.cert_count++], cert, slot);
}

void
bench_add_root(struct bench *b, const struct pki_cert *cert)
{
	put_cert(&b->content.roots[b->content.root_count++], cert, "roots");
}

/* One user certificate, one root with its intermediate. */
void
bench_usual_card(struct bench *b, uint8_t id)
{
	memset(&b->content, 0, sizeof(b->content));
	b->content.family = CARD_PIV;
	b->content.length = CARD_LENGTH_EXTENDED;
	b->content.id[0] = id;
	b->content.apdu_count = 5;
	bench_add_cert(b, bench_made.user, "9A");
	bench_add_root(b, bench_made.root);
	bench_add_root(b, bench_made.sub);
}

void
bench_start(struct bench *b)
{
	b->now = 1000;
	b->scanning = false;
	b->scans = 0;
	b->cp = certprop_new(&b->policy, &bench_ops, b);
	assert_non_null(b->cp);
	certprop_reader_added(b->cp, READER, "Reader 0", b->now);
}

int
bench_new(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	certprop_policy_defaults(&b->policy);
	bench_usual_card(b, 0xa1);
	*state = b;
	return 0;
}

int
bench_free(void **state)
{
	struct bench *b = *state;

	certprop_free(b->cp);
	free(b);
	return 0;
}

void
bench_log_on(struct bench *b)
{
	b->scanning = b->scanning || b->scans == 0;
	certprop_user(b->cp, "alice@EXAMPLE", "credssp", "", b->now);
}

void
bench_show(struct bench *b, uint32_t reader, enum certprop_presence presence,
           uint16_t counter, const char *atr)
{
	certprop_card_state(b->cp, reader, presence, counter,
	                    wire_view_text(atr), b->now);
}

void
bench_insert(struct bench *b, uint16_t counter)
{
	bench_show(b, READER, CERTPROP_PRESENT, counter, "atr");
}

void
bench_take_out(struct bench *b, uint16_t counter)
{
	bench_show(b, READER, CERTPROP_EMPTY, counter, "");
}

void
bench_pass(struct bench *b, uint64_t ms)
{
	b->now += ms;
	certprop_tick(b->cp, b->now);
}

void
bench_deliver(struct bench *b, uint32_t reader)
{
	certprop_card_read(b->cp, reader, &b->content, b->now);
}

void
bench_refuse(struct bench *b, enum certprop_failure failure)
{
	certprop_card_failed(b->cp, READER, failure, "sharing violation",
	                     b->now);
}

void
bench_start_inserted(struct bench *b)
{
	bench_start(b);
	bench_log_on(b);
	bench_insert(b, 1);
	bench_pass(b, SETTLED);
}

void
bench_start_present(struct bench *b)
{
	bench_start_inserted(b);
	bench_deliver(b, READER);
}

void
bench_start_again(struct bench *b)
{
	certprop_free(b->cp);
	bench_forget(b);
	bench_start_present(b);
}

void
bench_change(struct bench *b)
{
	certprop_policy_changed(b->cp, &b->policy, b->now);
}

static struct pki_cert *
issue(const char *name, const struct pki_ext *exts, int64_t not_after)
{
	struct pki_spec spec = {.name = name,
	                        .exts = exts,
	                        .not_before =
	                            not_after == 0 ? 0 : not_after - DAY,
	                        .not_after = not_after};

	return pki_cert_new(&spec, bench_made.sub);
}

struct pki_cert *
bench_person(const struct bench_person *who)
{
	struct pki_ext exts[6] = {
	    {"keyUsage", "critical,digitalSignature"},
	    {"extendedKeyUsage",
	     who->purposes == NULL ? "1.3.6.1.4.1.311.20.2.2" : who->purposes},
	};
	struct pki_spec spec = {.name = who->name,
	                        .key = who->key,
	                        .exts = exts,
	                        .not_after = who->not_after};
	char names[512] = "", template[256];
	size_t count = 2;

	if (who->upn[0] != '\0' || who->email != NULL)
		exts[count++] = (struct pki_ext){"subjectAltName", names};
	if (who->upn[0] != '\0')
		(void)snprintf(names, sizeof(names),
		               "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:%s",
		               who->upn);
	if (who->email != NULL)
		(void)snprintf(names + strlen(names),
		               sizeof(names) - strlen(names), "%semail:%s",
		               names[0] == '\0' ? "" : ",", who->email);
	if (who->template != NULL) {
		(void)snprintf(template, sizeof(template), "DER:%s",
		               who->template);
		exts[count++] =
		    (struct pki_ext){"1.3.6.1.4.1.311.21.7", template};
	}
	if (who->not_after != 0)
		spec.not_before = who->not_after - 2 * DAY;
	return pki_cert_new(&spec, bench_made.sub);
}

int
bench_make_all(void **state)
{
	static const struct pki_ext server[] = {
	    {"extendedKeyUsage", "serverAuth"},
	    {"subjectAltName", "DNS:host.example.test"},
	    {NULL, NULL},
	};
	static const struct pki_ext card_auth[] = {
	    {"extendedKeyUsage", "2.16.840.1.101.3.6.8"},
	    {NULL, NULL},
	};

	(void)state;
	bench_made.root = pki_ca_new("Root", NULL);
	bench_made.sub = pki_ca_new("Sub", bench_made.root);
	bench_made.user = pki_user_new("User", bench_made.sub);
	bench_made.old = issue("Old", NULL, time(NULL) - DAY);
	bench_made.computer = issue("Computer", server, 0);
	bench_made.door = issue("Door", card_auth, 0);
	bench_made.nobody = issue("Nobody", NULL, 0);
	return 0;
}

int
bench_free_all(void **state)
{
	(void)state;
	pki_cert_free(bench_made.root);
	pki_cert_free(bench_made.sub);
	pki_cert_free(bench_made.user);
	pki_cert_free(bench_made.old);
	pki_cert_free(bench_made.computer);
	pki_cert_free(bench_made.door);
	pki_cert_free(bench_made.nobody);
	return 0;
}
