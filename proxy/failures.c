#include "failures.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_LEN = 32, ADDRESS_TEXT = 64, PREFIX_LEN = 8 };

/* A name is remembered by its digest: it has any length, and may be a slip. */
struct failure {
	uint8_t key[KEY_LEN];
	unsigned count; /* 0: free */
	int64_t last_s;
};

struct failures {
	struct failure pairs[FAILURES_REMEMBERED];
	struct failure clients[FAILURES_REMEMBERED];
};

struct failures *
failures_new(void)
{
	return calloc(1, sizeof(struct failures));
}

void
failures_free(struct failures *f)
{
	free(f);
}

/* Of an IPv6 address the network: its owner has all of the rest. */
static struct wire_view
network(struct wire_view client, uint8_t prefix[sizeof(struct in6_addr)])
{
	char text[ADDRESS_TEXT];

	if (client.len == 0 || client.len >= sizeof(text))
		return client;
	memcpy(text, client.data, client.len);
	text[client.len] = '\0';
	if (inet_pton(AF_INET6, text, prefix) != 1)
		return client;
	return (struct wire_view){prefix, PREFIX_LEN};
}

/* False only without memory: then nobody is asked. */
static bool
make_key(uint8_t key[KEY_LEN], struct wire_view client, struct wire_view user)
{
	uint8_t prefix[sizeof(struct in6_addr)];
	struct wire_view from = network(client, prefix);
	const uint64_t len = from.len;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

	ok = ok && EVP_DigestUpdate(md, &len, sizeof(len)) == 1;
	ok = ok && EVP_DigestUpdate(md, from.data, from.len) == 1;
	ok = ok && EVP_DigestUpdate(md, user.data, user.len) == 1;
	ok = ok && EVP_DigestFinal_ex(md, key, NULL) == 1;
	EVP_MD_CTX_free(md);
	return ok;
}

static struct failure *
find(struct failure *list, const uint8_t key[KEY_LEN])
{
	for (size_t i = 0; i < FAILURES_REMEMBERED; i++) {
		if (list[i].count > 0 && memcmp(list[i].key, key, KEY_LEN) == 0)
			return &list[i];
	}
	return NULL;
}

/* A free place, or the one that has been quiet for the longest time. */
static struct failure *
new_place(struct failure *list, const uint8_t key[KEY_LEN])
{
	struct failure *oldest = &list[0];

	for (size_t i = 0; i < FAILURES_REMEMBERED; i++) {
		if (list[i].count == 0) {
			oldest = &list[i];
			break;
		}
		if (list[i].last_s < oldest->last_s)
			oldest = &list[i];
	}
	oldest->count = 0;
	memcpy(oldest->key, key, KEY_LEN);
	return oldest;
}

static bool
over(struct failure *list, const uint8_t key[KEY_LEN], unsigned max,
     int64_t now_s)
{
	const struct failure *f = find(list, key);

	return f != NULL && f->count >= max &&
	       now_s - f->last_s < FAILURES_SPAN_S;
}

static void
count(struct failure *list, const uint8_t key[KEY_LEN], int64_t now_s)
{
	struct failure *f = find(list, key);

	if (f == NULL)
		f = new_place(list, key);
	if (now_s - f->last_s >= FAILURES_SPAN_S)
		f->count = 0;
	f->count++;
	f->last_s = now_s;
}

bool
failures_limit(struct failures *f, struct wire_view client,
               struct wire_view user, int64_t now_s)
{
	const struct wire_view nobody = {NULL, 0};
	uint8_t key[KEY_LEN];

	if (!make_key(key, client, user))
		return true;
	if (over(f->pairs, key, FAILURES_OF_PAIR, now_s))
		return true;
	return !make_key(key, client, nobody) ||
	       over(f->clients, key, FAILURES_OF_CLIENT, now_s);
}

void
failures_add(struct failures *f, struct wire_view client, struct wire_view user,
             int64_t now_s)
{
	const struct wire_view nobody = {NULL, 0};
	uint8_t key[KEY_LEN];

	if (make_key(key, client, user))
		count(f->pairs, key, now_s);
	if (make_key(key, client, nobody))
		count(f->clients, key, now_s);
}

void
failures_forgive(struct failures *f, struct wire_view client,
                 struct wire_view user)
{
	const struct wire_view nobody = {NULL, 0};
	struct failure *of;
	uint8_t key[KEY_LEN];

	if (make_key(key, client, user) && (of = find(f->pairs, key)) != NULL)
		of->count = 0;
	if (make_key(key, client, nobody) &&
	    (of = find(f->clients, key)) != NULL)
		of->count--;
}
