#include "cardmap.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum { CONTROL_END = 0x20, DELETE = 0x7f };

enum kind { BY_HASH, BY_UPN, BY_MAIL, BY_SUBJECT, BY_SERIAL };

static const struct {
	const char *name;
	enum kind kind;
} kinds[] = {
    {"sha256", BY_HASH},
    {"upn", BY_UPN},
    {"mail", BY_MAIL},
    {"subject", BY_SUBJECT},
    {"issuer+serial", BY_SERIAL},
};

/* Its views are borrowed from the map's own copy of the text. */
struct mapping {
	enum kind kind;
	struct wire_view user;
	struct wire_view value; /* of BY_SERIAL the issuer */
	struct wire_view serial;
	uint8_t sha256[SHA256_DIGEST_LENGTH];
};

struct cardmap {
	uint8_t *text;
	struct mapping *mappings;
	size_t count;
	size_t room;
};

static uint8_t
fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

bool
cardmap_same_name(struct wire_view a, struct wire_view b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (fold(a.data[i]) != fold(b.data[i]))
			return false;
	return true;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct wire_view
trim(struct wire_view text)
{
	while (text.len > 0 && is_blank(text.data[0])) {
		text.data++;
		text.len--;
	}
	while (text.len > 0 && is_blank(text.data[text.len - 1]))
		text.len--;
	return text;
}

/* The bytes before the first stop, which is taken out as well. */
static bool
split(struct wire_view *rest, uint8_t stop, struct wire_view *head)
{
	struct wire_in in = wire_in_view(*rest);
	const uint8_t *at =
	    rest->len > 0 ? memchr(rest->data, stop, rest->len) : NULL;

	if (at == NULL)
		return false;
	*head = trim(wire_bytes(&in, (size_t)(at - rest->data)));
	wire_skip(&in, 1);
	*rest = trim(wire_rest(&in));
	return true;
}

/* The value of a hexadecimal digit, or 16. */
static unsigned
digit(uint8_t c)
{
	c = fold(c);
	if (c >= '0' && c <= '9')
		return c - (unsigned)'0';
	return c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : 16;
}

static bool
is_hex(struct wire_view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (digit(text.data[i]) > 15)
			return false;
	return text.len > 0;
}

static struct wire_view
without_zeros(struct wire_view hex)
{
	while (hex.len > 1 && hex.data[0] == '0') {
		hex.data++;
		hex.len--;
	}
	return hex;
}

static const char *
read_hash(struct mapping *m)
{
	if (m->value.len != 2 * sizeof(m->sha256) || !is_hex(m->value))
		return "sha256: takes 64 hexadecimal digits";
	for (size_t i = 0; i < sizeof(m->sha256); i++)
		m->sha256[i] = (uint8_t)(digit(m->value.data[2 * i]) << 4 |
		                         digit(m->value.data[2 * i + 1]));
	return NULL;
}

/* DN;HEX: a DN may hold ; as well, the digits may not. */
static const char *
read_serial(struct mapping *m)
{
	size_t len = m->value.len;
	struct wire_in in = wire_in_view(m->value);

	while (len > 0 && m->value.data[len - 1] != ';')
		len--;
	if (len == 0)
		return "issuer+serial: takes DN;HEX";
	m->value = trim(wire_bytes(&in, len - 1));
	wire_skip(&in, 1);
	m->serial = trim(wire_rest(&in));
	if (m->value.len == 0 || !is_hex(m->serial))
		return "issuer+serial: takes DN;HEX";
	m->serial = without_zeros(m->serial);
	return NULL;
}

static bool
read_kind(struct wire_view name, enum kind *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (cardmap_same_name(name, wire_view_text(kinds[i].name))) {
			*kind = kinds[i].kind;
			return true;
		}
	return false;
}

static bool
has_control(struct wire_view line)
{
	for (size_t i = 0; i < line.len; i++)
		if ((line.data[i] < CONTROL_END && line.data[i] != '\t') ||
		    line.data[i] == DELETE)
			return true;
	return false;
}

/* A line that is neither empty nor a comment. */
static const char *
read_line(struct wire_view line, struct mapping *m)
{
	struct wire_view kind;

	if (has_control(line))
		return "control characters";
	if (!split(&line, '=', &m->user) || m->user.len == 0)
		return "a line is USER = KIND:VALUE";
	if (!split(&line, ':', &kind) || !read_kind(kind, &m->kind))
		return "the kind is sha256, upn, mail, subject or "
		       "issuer+serial";
	m->value = line;
	if (m->value.len == 0)
		return "the value is missing";
	if (m->user.len > KEEP_TEXT_MAX || m->value.len > KEEP_TEXT_MAX)
		return "longer than 1024 bytes";
	if (m->kind == BY_HASH)
		return read_hash(m);
	return m->kind == BY_SERIAL ? read_serial(m) : NULL;
}

static const char *
append(struct cardmap *map, const struct mapping *m)
{
	size_t room = map->room == 0 ? 16 : 2 * map->room;
	struct mapping *grown;

	if (map->count == CARDMAP_LINES_MAX)
		return "too many mappings";
	if (map->count == map->room) {
		grown = realloc(map->mappings, room * sizeof(*grown));
		if (grown == NULL)
			return "out of memory";
		map->mappings = grown;
		map->room = room;
	}
	map->mappings[map->count++] = *m;
	return NULL;
}

static struct wire_view
next_line(struct wire_in *in)
{
	const uint8_t *end = memchr(in->next, '\n', in->left);
	size_t len = end == NULL ? in->left : (size_t)(end - in->next);
	struct wire_view line = wire_bytes(in, len);

	if (in->left > 0)
		wire_skip(in, 1);
	return trim(line);
}

/* Returns whether there was no fault. */
static bool
read_all(struct cardmap *map, struct wire_in in, cardmap_on_fault *on_fault,
         void *arg)
{
	unsigned number = 0, faults = 0;

	while (in.left > 0 && faults < CARDMAP_FAULTS_MAX) {
		struct wire_view line = next_line(&in);
		struct mapping m = {.kind = BY_HASH};
		const char *fault;

		number++;
		if (line.len == 0 || line.data[0] == '#')
			continue;
		fault = read_line(line, &m);
		if (fault == NULL)
			fault = append(map, &m);
		if (fault != NULL) {
			faults++;
			on_fault(arg, number, fault);
		}
	}
	return faults == 0;
}

/* An empty map with a copy of the text. */
static struct cardmap *
map_new(struct wire_view text)
{
	struct cardmap *map = calloc(1, sizeof(*map));

	if (map == NULL)
		return NULL;
	map->text = malloc(text.len > 0 ? text.len : 1);
	if (map->text == NULL) {
		free(map);
		return NULL;
	}
	if (text.len > 0)
		memcpy(map->text, text.data, text.len);
	return map;
}

struct cardmap *
cardmap_parse(struct wire_view text, cardmap_on_fault *on_fault, void *arg)
{
	struct cardmap *map;

	if (text.len > CARDMAP_BYTES_MAX) {
		on_fault(arg, 0, "larger than 16 MiB");
		return NULL;
	}
	map = map_new(text);
	if (map == NULL) {
		on_fault(arg, 0, "out of memory");
		return NULL;
	}
	if (read_all(map, wire_in(map->text, text.len), on_fault, arg))
		return map;
	cardmap_free(map);
	return NULL;
}

void
cardmap_free(struct cardmap *map)
{
	if (map == NULL)
		return;
	free(map->mappings);
	free(map->text);
	free(map);
}

size_t
cardmap_count(const struct cardmap *map)
{
	return map == NULL ? 0 : map->count;
}

static bool
fits(const struct mapping *m, const struct keep_cert *cert)
{
	uint8_t sha256[SHA256_DIGEST_LENGTH];

	switch (m->kind) {
	case BY_HASH:
		(void)SHA256(cert->der.data, cert->der.len, sha256);
		return memcmp(sha256, m->sha256, sizeof(sha256)) == 0;
	case BY_UPN:
		return cardmap_same_name(m->value, cert->upn);
	case BY_MAIL:
		return cardmap_same_name(m->value, cert->email);
	case BY_SUBJECT:
		return wire_view_equal(m->value, cert->subject);
	case BY_SERIAL:
		return wire_view_equal(m->value, cert->issuer) &&
		       cardmap_same_name(m->serial,
		                         without_zeros(cert->serial));
	}
	return false;
}

bool
cardmap_lists(const struct cardmap *map, struct wire_view user,
              const struct keep_cert *cert)
{
	for (size_t i = 0; i < cardmap_count(map); i++)
		if (cardmap_same_name(map->mappings[i].user, user) &&
		    fits(&map->mappings[i], cert))
			return true;
	return false;
}
