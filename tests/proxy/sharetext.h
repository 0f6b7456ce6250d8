/* What the tests of PDUs with text share; include after <cmocka.h>. */
#ifndef TESTS_SHARETEXT_H
#define TESTS_SHARETEXT_H

#include "share.h"

/* This text is the wanted one, as UTF-8. */
static inline void
sharetext_check(const struct share_text *text, const char *want)
{
	char out[64];

	assert_true(share_text_utf8(text, out, sizeof(out)));
	assert_string_equal(out, want);
}

#endif
