/*
 * What the store and the keeper cost: committed propagations a second, alone
 * and over the pairs of many sessions, and how long a removed card's root stays
 * in a view.  Prints lines "key value"; tests/bench makes them JSON.
 *
 * usage: bench_store DIRECTORY [CERTIFICATES [only]]
 *
 * DIRECTORY is on the disk that the store would be on; the views are made below
 * /dev/shm.  CERTIFICATES (1000000) fill the large store, "only" leaves out the
 * rest.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "keeper.h"
#include "log.h"

enum {
	DER_LEN = 1000,
	OF_CARD = 3, /* two of the user and a root */
	SESSIONS = 2000,
	GROUP = 128, /* cards in one transaction, as in the keeper */
	OF_USER = 10,
	SAMPLES = 200,
	ROUNDS = 10, /* several checkpoints are in them */
	NOW = 1700000000
};

struct bench {
	const char *dir;
	char path[256];
	char run_dir[64];
	struct engine *engine;
	uint32_t next; /* number of the next new certificate */
};

static void
fail(const char *what)
{
	(void)fprintf(stderr, "bench_store: %s\n", what);
	exit(1);
}

static void
need(bool ok, const char *what)
{
	if (!ok)
		fail(what);
}

static double
now_s(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of this process alone: the machine may have others. */
static double
cpu_s(void)
{
	struct rusage used = {0};

	(void)getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
quantile(double *values, size_t count, double q)
{
	qsort(values, count, sizeof(*values), compare);
	return values[(size_t)(q * (double)(count - 1))];
}

/* A certificate that differs by its number; no real DER. */
static struct keep_cert
make_cert(uint32_t number, enum keep_kind kind, uint8_t der[DER_LEN])
{
	memset(der, 0x5a, DER_LEN);
	memcpy(der, &number, sizeof(number));
	return (struct keep_cert){
	    .kind = kind,
	    .der = {der, DER_LEN},
	    .subject = wire_view_text("CN=somebody,O=bench"),
	    .issuer = wire_view_text("CN=some CA,O=bench"),
	    .serial = wire_view_text("0a0b0c0d"),
	    .not_after = NOW,
	    .key_alg = wire_view_text("RSA"),
	    .key_bits = 2048,
	    .subject_hash = number,
	    .prov_name =
		wire_view_text("Microsoft Smart Card Key Storage Provider"),
	    .container = wire_view_text("{0b8c4e1e-container}"),
	};
}

static void
make_id(char id[ENGINE_ID_SIZE], uint32_t number)
{
	(void)snprintf(id, ENGINE_ID_SIZE, "%032x", number);
}

static void
make_owner(char owner[32], uint32_t number)
{
	(void)snprintf(owner, 32, "user%u@example", number);
}

static void
remove_store(const struct bench *b)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
	char path[300];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", b->path,
		               suffixes[i]);
		(void)unlink(path);
	}
}

static void
open_store(struct bench *b, bool full)
{
	char reason[ENGINE_REASON_SIZE];
	enum engine_error error;

	b->engine = engine_open(b->path, full, NOW, &error, reason);
	need(b->engine != NULL, reason);
}

static void
start_session(struct bench *b, uint32_t number)
{
	const struct keep_hello hello = {.started_at = NOW};
	char id[ENGINE_ID_SIZE];
	char owner[32];

	make_id(id, number);
	make_owner(owner, number);
	const struct keep_state state = {.user = wire_view_text(owner)};

	need(engine_session_start(b->engine, id, id, &hello) &&
	         engine_session_state(b->engine, id, &state),
	     "start");
}

/* What a card holds, from the certificate with this number on. */
static void
put_card(struct bench *b, uint32_t session, uint32_t first)
{
	uint8_t hashes[OF_CARD][ENGINE_HASH_LEN];
	static const bool host[OF_CARD];
	struct engine_change change = {0};
	char id[ENGINE_ID_SIZE];
	char owner[32];
	uint8_t card[KEEP_CARD_ID_LEN] = {1};
	uint8_t der[DER_LEN];

	make_id(id, session);
	make_owner(owner, session);
	memcpy(card + 4, &session, sizeof(session));
	const struct engine_origin origin = {
	    .session = id,
	    .connection = id,
	    .reader = 1,
	    .reader_name = wire_view_text("Bench Reader 00"),
	    .card_id = {card, sizeof(card)},
	    .family = wire_view_text("PIV"),
	};

	for (uint32_t i = 0; i < OF_CARD; i++) {
		bool root = i == OF_CARD - 1;
		struct keep_cert cert =
		    make_cert(first + i, root ? KEEP_ANCHOR : KEEP_USER, der);

		need(engine_put(
			 b->engine, &origin,
			 root ? (struct wire_view){0} : wire_view_text(owner),
			 &cert, root ? KEEP_CLEANUP_LOGOFF : KEEP_CLEANUP_NONE,
			 hashes[i], &change) < ENGINE_LIMIT,
		     "put");
	}
	const struct engine_held held = {hashes[0], host, OF_CARD, false};

	need(engine_held_only(b->engine, &origin, wire_view_text(owner), &held,
	                      &change),
	     "held");
}

/* Seconds for cards of so many sessions, in groups. */
static double
put_cards(struct bench *b, uint32_t first_session, uint32_t count,
          uint32_t first_cert)
{
	double start = now_s();

	for (uint32_t i = 0; i < count; i += GROUP) {
		need(engine_begin(b->engine, NOW), "begin");
		for (uint32_t j = i; j < count && j < i + GROUP; j++)
			put_card(b, first_session + j,
			         first_cert + j * OF_CARD);
		need(engine_commit(b->engine), "commit");
	}
	return now_s() - start;
}

static void
start_sessions(struct bench *b, uint32_t first, uint32_t count)
{
	need(engine_begin(b->engine, NOW), "begin");
	for (uint32_t i = 0; i < count; i++)
		start_session(b, first + i);
	need(engine_commit(b->engine), "commit");
}

static double
bench_engine(struct bench *b, bool full)
{
	remove_store(b);
	open_store(b, full);
	start_sessions(b, 0, SESSIONS);
	double took = put_cards(b, 0, SESSIONS, 0);

	printf("engine_propagations_per_s%s %.0f\n", full ? "_full" : "",
	       SESSIONS * OF_CARD / took);
	int64_t before = engine_written(b->engine);

	took = put_cards(b, 0, SESSIONS, 0);
	if (!full)
		printf("unchanged_writes %lld\nunchanged_per_s %.0f\n",
		       (long long)(engine_written(b->engine) - before),
		       SESSIONS * OF_CARD / took);
	engine_close(b->engine);
	return took;
}

/* The peer: the same bytes as one row each, in the same groups. */
static void
bench_sqlite(struct bench *b, bool full)
{
	sqlite3_stmt *insert = NULL;
	sqlite3 *db = NULL;
	uint8_t der[DER_LEN];

	remove_store(b);
	need(sqlite3_open(b->path, &db) == SQLITE_OK &&
	         sqlite3_exec(
		     db,
		     full ? "PRAGMA journal_mode=WAL;"
			    "PRAGMA synchronous=FULL;"
			    "CREATE TABLE t (k BLOB PRIMARY KEY, d BLOB)"
			  : "PRAGMA journal_mode=WAL;"
			    "PRAGMA synchronous=NORMAL;"
			    "CREATE TABLE t (k BLOB PRIMARY KEY, d BLOB)",
		     NULL, NULL, NULL) == SQLITE_OK &&
	         sqlite3_prepare_v2(db, "INSERT INTO t VALUES (?1, ?2)", -1,
	                            &insert, NULL) == SQLITE_OK,
	     "sqlite");
	double start = now_s();

	for (uint32_t i = 0; i < SESSIONS * OF_CARD; i++) {
		uint8_t key[ENGINE_HASH_LEN];

		if (i % (GROUP * OF_CARD) == 0)
			(void)sqlite3_exec(db,
			                   i == 0 ? "BEGIN" : "COMMIT;BEGIN",
			                   NULL, NULL, NULL);
		(void)make_cert(i, KEEP_USER, der);
		(void)RAND_bytes(key, sizeof(key));
		(void)sqlite3_bind_blob(insert, 1, key, sizeof(key),
		                        SQLITE_STATIC);
		(void)sqlite3_bind_blob(insert, 2, der, DER_LEN, SQLITE_STATIC);
		need(sqlite3_step(insert) == SQLITE_DONE, "insert");
		(void)sqlite3_reset(insert);
	}
	(void)sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	printf("sqlite_rows_per_s%s %.0f\n", full ? "_full" : "",
	       SESSIONS * OF_CARD / (now_s() - start));
	(void)sqlite3_finalize(insert);
	(void)sqlite3_close(db);
	remove_store(b);
}

/*
 * The large store.
 */

static void
fill(struct bench *b, uint32_t certificates)
{
	uint32_t users = certificates / OF_USER;
	struct engine_change change = {0};
	uint8_t hash[ENGINE_HASH_LEN];
	uint8_t der[DER_LEN];
	uint8_t card[KEEP_CARD_ID_LEN] = {7};
	char id[ENGINE_ID_SIZE];
	char owner[32];

	make_id(id, 0xffffffff);
	const struct keep_hello hello = {.started_at = NOW};
	const struct engine_origin origin = {
	    .session = id, .connection = id, .card_id = {card, sizeof(card)}};

	for (uint32_t user = 0; user < users; user++) {
		if (user % 500 == 0)
			need(
			    engine_begin(b->engine, NOW) &&
				engine_session_start(b->engine, id, id, &hello),
			    "fill");
		make_owner(owner, user);
		for (uint32_t i = 0; i < OF_USER; i++) {
			struct keep_cert cert = make_cert(
			    0x40000000 + user * OF_USER + i, KEEP_USER, der);

			need(engine_put(b->engine, &origin,
			                wire_view_text(owner), &cert,
			                KEEP_CLEANUP_NONE, hash,
			                &change) == ENGINE_ADDED,
			     "fill");
		}
		if (user % 500 == 499 || user == users - 1)
			need(engine_session_end(
				 b->engine, id, ENGINE_END_LOGOFF,
				 wire_view_text("filled"), &change) &&
			         engine_commit(b->engine),
			     "fill");
	}
}

static bool
on_entry(const struct engine_entry *entry, void *arg)
{
	*(size_t *)arg += entry->der.len > 0;
	return true;
}

static bool
on_claim(const struct engine_claim *claim, void *arg)
{
	*(size_t *)arg += claim->live;
	return true;
}

static void
bench_queries(struct bench *b, uint32_t users)
{
	double listed[SAMPLES];
	double explained[SAMPLES];
	size_t found = 0;

	for (uint32_t i = 0; i < SAMPLES; i++) {
		char owner[32];
		char prefix[2 * ENGINE_HASH_LEN + 1];

		make_owner(owner, i * 7919 % users);
		const struct engine_filter user = {.owner =
		                                       wire_view_text(owner)};
		double start = now_s();

		need(engine_list_entries(b->engine, &user, on_entry, &found),
		     "list");
		listed[i] = (now_s() - start) * 1000;
		(void)snprintf(prefix, sizeof(prefix), "%08x", i * 0x01010101u);
		const struct engine_filter root = {.prefix = prefix};

		start = now_s();
		need(engine_list_claims(b->engine, &root, on_claim, &found) &&
		         engine_list_pins(b->engine, &root, NULL, NULL),
		     "explain");
		explained[i] = (now_s() - start) * 1000;
	}
	need(found >= SAMPLES * OF_USER, "nothing listed");
	printf("list_user_ms_p50 %.3f\nlist_user_ms %.3f\nexplain_ms %.3f\n",
	       quantile(listed, SAMPLES, 0.5), quantile(listed, SAMPLES, 0.99),
	       quantile(explained, SAMPLES, 0.99));
}

struct cost {
	double us;
	double cpu_us;
};

/*
 * What a propagation costs on the average, checkpoints included, by rounds of
 * sessions and certificates that are all new.  What was written before is on
 * the disk then: it is not these rounds'.
 */
static struct cost
cost_of_propagation(struct bench *b)
{
	const double of_us = 1e6 / (ROUNDS * SESSIONS * OF_CARD);
	struct cost cost = {0};

	sync();
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t first = 0x10000000 + i * SESSIONS;
		double cpu;

		start_sessions(b, first, SESSIONS);
		cpu = cpu_s();
		cost.us += of_us * put_cards(b, first, SESSIONS,
		                             i * SESSIONS * OF_CARD);
		cost.cpu_us += of_us * (cpu_s() - cpu);
	}
	return cost;
}

/* Of an empty store and of a large one. */
static void
bench_large(struct bench *b, uint32_t certificates)
{
	double opened[9];

	remove_store(b);
	open_store(b, false);
	const struct cost empty = cost_of_propagation(b);

	engine_close(b->engine);
	remove_store(b);

	open_store(b, false);
	double start = now_s();

	fill(b, certificates);
	(void)fprintf(stderr, "bench_store: %u certificates in %.0f s\n",
	              certificates, now_s() - start);
	engine_close(b->engine);
	for (size_t i = 0; i < 9; i++) {
		start = now_s();
		open_store(b, false);
		opened[i] = (now_s() - start) * 1000;
		if (i < 8)
			engine_close(b->engine);
	}
	const struct cost large = cost_of_propagation(b);

	printf("ratio_1m %.2f\nopen_ms %.2f\n", large.us / empty.us,
	       quantile(opened, 9, 0.5));
	printf("us_empty %.1f\nus_large %.1f\n", empty.us, large.us);
	printf("cpu_us_empty %.1f\ncpu_us_large %.1f\n", empty.cpu_us,
	       large.cpu_us);
	bench_queries(b, certificates / OF_USER);
	start = now_s();
	bool more = false;

	need(engine_begin(b->engine, NOW) && engine_sweep(b->engine, &more) &&
	         engine_commit(b->engine),
	     "sweep");
	printf("sweep_slice_ms %.2f\n", (now_s() - start) * 1000);
	engine_close(b->engine);
	remove_store(b);
}

/*
 * The keeper, in a process of its own.
 */

struct keeper_process {
	pid_t pid;
	int gate;
};

static struct keeper_process
start_keeper(struct bench *b, bool full)
{
	const struct keeper_config config = {.database = b->path,
	                                     .run_dir = b->run_dir,
	                                     .control_group = (gid_t)-1,
	                                     .view_group = (gid_t)-1,
	                                     .durable_full = full};
	struct keeper_process k;
	int fds[2];

	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0,
	     "pair");
	k.pid = fork();
	if (k.pid == 0) {
		(void)close(fds[0]);
		log_setup(LOG_ERROR, LOG_PLAIN);
		_exit(keeper_run(&config, fds[1]));
	}
	(void)close(fds[1]);
	k.gate = fds[0];
	return k;
}

static void
stop_keeper(struct keeper_process *k)
{
	int status = 0;

	(void)close(k->gate);
	need(waitpid(k->pid, &status, 0) == k->pid && status == 0, "keeper");
}

static void
say(int to, const struct keep_msg *msg, int fd)
{
	static uint8_t buffer[KEEP_MESSAGE_MAX];
	struct wire_out out = wire_out(buffer, sizeof(buffer));
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr header = {0};

	keep_encode(&out, msg);
	struct iovec bytes = {buffer, wire_written(&out).len};

	header.msg_iov = &bytes;
	header.msg_iovlen = 1;
	if (fd >= 0) {
		header.msg_control = control;
		header.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&header);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	need(wire_out_ok(&out) && sendmsg(to, &header, MSG_NOSIGNAL) > 0,
	     "say");
}

static struct keep_ack
hear(int session)
{
	uint8_t buffer[4096];
	struct keep_msg msg;
	ssize_t len = recv(session, buffer, sizeof(buffer), 0);

	need(len > 0, "no answer");
	struct wire_in in = wire_in(buffer, (size_t)len);

	need(keep_decode(&in, &msg) && msg.type == KEEP_ACK && msg.ack.ok,
	     "no good answer");
	return msg.ack;
}

/* A session's end of a new pair; its user is known. */
static int
attach(const struct keeper_process *k, uint32_t number)
{
	struct keep_msg msg = {.type = KEEP_ATTACH};
	char owner[32];
	int fds[2];

	need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0,
	     "pair");
	memcpy(msg.hello.session, &number, sizeof(number));
	msg.hello.session[15] = 1;
	say(k->gate, &msg, fds[1]);
	(void)close(fds[1]);
	msg.type = KEEP_HELLO;
	say(fds[0], &msg, -1);
	make_owner(owner, number);
	msg = (struct keep_msg){.type = KEEP_STATE};
	msg.state.state = KEEP_WATCHING;
	msg.state.user = wire_view_text(owner);
	say(fds[0], &msg, -1);
	return fds[0];
}

static void
insert(int session, uint32_t number, uint32_t first)
{
	struct keep_msg msg = {.type = KEEP_BEGIN};
	uint8_t der[DER_LEN];

	msg.begin.reader = 1;
	memcpy(msg.begin.card_id, &number, sizeof(number));
	msg.begin.card_id[15] = 1;
	msg.begin.cleanup = KEEP_CLEANUP_REMOVAL;
	say(session, &msg, -1);
	for (uint32_t i = 0; i < OF_CARD; i++) {
		msg = (struct keep_msg){.type = KEEP_CERT};
		msg.cert = make_cert(
		    first + i, i == OF_CARD - 1 ? KEEP_ANCHOR : KEEP_USER, der);
		say(session, &msg, -1);
	}
	msg = (struct keep_msg){.type = KEEP_COMMIT, .seq = 1};
	say(session, &msg, -1);
}

static void
bench_sessions(struct bench *b, bool full)
{
	static int sessions[SESSIONS];
	struct keeper_process k = start_keeper(b, full);
	struct keep_msg msg = {.type = KEEP_SYNCED};

	for (uint32_t i = 0; i < SESSIONS; i++)
		sessions[i] = attach(&k, i);
	for (uint32_t i = 0; i < SESSIONS; i++) {
		say(sessions[i], &msg, -1);
		(void)hear(sessions[i]);
	}
	double start = now_s();

	for (uint32_t i = 0; i < SESSIONS; i++)
		insert(sessions[i], i, i * OF_CARD);
	for (uint32_t i = 0; i < SESSIONS; i++)
		need(hear(sessions[i]).added == OF_CARD, "not added");
	printf("propagations_per_s%s %.0f\n", full ? "_full" : "",
	       SESSIONS * OF_CARD / (now_s() - start));
	for (uint32_t i = 0; i < SESSIONS; i++)
		(void)close(sessions[i]);
	stop_keeper(&k);
	remove_store(b);
}

/*
 * How long a root is in the view after its card, or its session, has gone.
 */

static void
root_path(const struct bench *b, uint32_t number, char *path, size_t size)
{
	char id[ENGINE_ID_SIZE];
	uint8_t raw[KEEP_ID_LEN] = {0};

	memcpy(raw, &number, sizeof(number));
	raw[15] = 1;
	(void)log_hex(id, raw, sizeof(raw));
	(void)snprintf(path, size, "%s/session/%s/certs/%08x.0", b->run_dir, id,
	               number * OF_CARD + OF_CARD - 1);
}

static double
wait_gone(const char *path, double start)
{
	struct stat s;

	while (lstat(path, &s) == 0) {
		need(now_s() - start < 10, "the root stays");
		(void)usleep(100);
	}
	need(errno == ENOENT || errno == ENOTDIR, "the view");
	return (now_s() - start) * 1000;
}

/* A process holds the session's end, and is killed. */
static double
kill_session(int session, const char *path)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			(void)pause();
	(void)close(session);
	double start = now_s();

	(void)kill(pid, SIGKILL);
	double took = wait_gone(path, start);

	(void)waitpid(pid, NULL, 0);
	return took;
}

static double
withdraw(int session, uint32_t number, const char *path)
{
	struct keep_msg msg = {.type = KEEP_RELEASE, .seq = 2};

	msg.release.reader = 1;
	memcpy(msg.release.card_id, &number, sizeof(number));
	msg.release.card_id[15] = 1;
	msg.release.roots = true;
	double start = now_s();

	say(session, &msg, -1);
	double took = wait_gone(path, start);

	(void)hear(session);
	return took;
}

static void
bench_removal(struct bench *b, bool full)
{
	struct keeper_process k = start_keeper(b, full);
	double removed[SAMPLES];
	double killed[SAMPLES];
	int sessions[SAMPLES];
	char path[256];

	for (uint32_t i = 0; i < SAMPLES; i++) {
		sessions[i] = attach(&k, i);
		insert(sessions[i], i, i * OF_CARD);
		(void)hear(sessions[i]);
	}
	for (uint32_t i = 0; i < SAMPLES; i++) {
		struct stat s;

		root_path(b, i, path, sizeof(path));
		need(lstat(path, &s) == 0, "no root in the view");
		removed[i] = withdraw(sessions[i], i, path);
		insert(sessions[i], i, i * OF_CARD);
		(void)hear(sessions[i]);
	}
	for (uint32_t i = 0; i < SAMPLES; i++) {
		root_path(b, i, path, sizeof(path));
		killed[i] = kill_session(sessions[i], path);
	}
	printf("removal_ms_p50%s %.2f\nremoval_ms_p99%s %.2f\n",
	       full ? "_full" : "", quantile(removed, SAMPLES, 0.5),
	       full ? "_full" : "", quantile(removed, SAMPLES, 0.99));
	printf("killed_ms_p50%s %.2f\nkilled_ms_p99%s %.2f\n",
	       full ? "_full" : "", quantile(killed, SAMPLES, 0.5),
	       full ? "_full" : "", quantile(killed, SAMPLES, 0.99));
	stop_keeper(&k);
	remove_store(b);
}

/* The peer: taking a file and its link from the same file system. */
static void
bench_unlink(const struct bench *b)
{
	double took[SAMPLES];
	char path[128];
	char link[128];

	(void)snprintf(path, sizeof(path), "%s/file", b->run_dir);
	(void)snprintf(link, sizeof(link), "%s/link", b->run_dir);
	for (size_t i = 0; i < SAMPLES; i++) {
		int fd = open(path, O_CREAT | O_WRONLY, 0644);

		need(fd >= 0 && symlink("file", link) == 0, "file");
		(void)close(fd);
		double start = now_s();

		(void)unlink(link);
		(void)unlink(path);
		took[i] = (now_s() - start) * 1000;
	}
	printf("tmpfs_unlink_ms_p50 %.4f\n", quantile(took, SAMPLES, 0.5));
}

int
main(int argc, char **argv)
{
	struct bench b = {.dir = argc > 1 ? argv[1] : "."};
	uint32_t certificates = 1000000;
	struct rlimit files;

	if (argc > 2)
		certificates = (uint32_t)strtoul(argv[2], NULL, 10);
	(void)snprintf(b.path, sizeof(b.path), "%s/bench.db", b.dir);
	(void)snprintf(b.run_dir, sizeof(b.run_dir), "/dev/shm/bench.XXXXXX");
	need(mkdtemp(b.run_dir) != NULL, "run directory");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int full = 0; full <= 1 && argc < 4; full++) {
		bench_sqlite(&b, full == 1);
		(void)bench_engine(&b, full == 1);
		remove_store(&b);
		bench_sessions(&b, full == 1);
		bench_removal(&b, full == 1);
	}
	bench_unlink(&b);
	if (certificates > 0)
		bench_large(&b, certificates);
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", b.run_dir);
	return system(command) == 0 ? 0 : 1;
}
