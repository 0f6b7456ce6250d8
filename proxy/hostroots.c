#include "hostroots.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

/* One reading of a bundle. */
struct bundle {
	const char *path;
	BIO *pem;
	struct anchors *anchors;
	unsigned passed_over;
	const char *why; /* it ended; NULL: at its end */
};

static bool
is_certificate(const char *name)
{
	return strcmp(name, PEM_STRING_X509) == 0 ||
	       strcmp(name, PEM_STRING_X509_OLD) == 0;
}

/* False: no further one is wanted. */
static bool
take(struct bundle *b, struct wire_view der)
{
	switch (anchors_add(b->anchors, der)) {
	case ANCHORS_ADDED:
		return true;
	case ANCHORS_BROKEN:
		b->passed_over++;
		return true;
	case ANCHORS_FULL:
		b->why = "above 4096 certificates";
		return false;
	case ANCHORS_ENOMEM:
		break;
	}
	b->why = "memory is short";
	return false;
}

/* No further block is the end; any other fault is one. */
static bool
at_end(void)
{
	unsigned long error = ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM &&
	       ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/* False: that was all. */
static bool
take_next(struct bundle *b)
{
	char *name = NULL;
	char *header = NULL;
	unsigned char *data = NULL;
	long len = 0;
	bool more = true;

	ERR_clear_error();
	if (PEM_read_bio(b->pem, &name, &header, &data, &len) != 1) {
		if (!at_end())
			b->why = "a block of it is broken";
		ERR_clear_error();
		return false;
	}
	if (!is_certificate(name))
		b->passed_over++;
	else
		more = take(b, (struct wire_view){data, (size_t)len});
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(data);
	return more;
}

static void
tell(const struct bundle *b)
{
	struct log_event ev = log_event(
	    b->passed_over > 0 ? LOG_WARNING : LOG_NOTICE, "system-anchors");

	log_text(&ev, "file", b->path);
	log_number(&ev, "count", (int64_t)anchors_count(b->anchors));
	log_number(&ev, "passed_over", b->passed_over);
	log_write(&ev);
}

static void
read_all(struct bundle *b, FILE *file)
{
	b->why = "memory is short";
	b->pem = BIO_new_fp(file, BIO_NOCLOSE);
	if (b->pem == NULL)
		return;
	b->why = NULL;
	while (take_next(b))
		;
	BIO_free(b->pem);
	if (b->why == NULL && ferror(file) != 0)
		b->why = "it cannot be read";
}

struct anchors *
hostroots_load(const char *path, const char **why)
{
	struct bundle b = {.path = path != NULL ? path : HOSTROOTS_DEFAULT,
	                   .anchors = anchors_new(),
	                   .why = "memory is short"};
	FILE *file = b.anchors == NULL ? NULL : fopen(b.path, "re");

	if (file != NULL) {
		read_all(&b, file);
		(void)fclose(file);
	} else if (b.anchors != NULL) {
		/* Not every host has one: then there is nothing to imitate. */
		b.why = path == NULL && errno == ENOENT ? NULL
		                                        : "it cannot be opened";
	}
	if (b.why == NULL) {
		tell(&b);
		return b.anchors;
	}
	*why = b.why;
	anchors_free(b.anchors);
	return NULL;
}
