#include "certbed.h"

/* cmocka wants these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct pki_cert *
certbed_issue(const struct pki_ext *exts, enum pki_key key)
{
	struct pki_cert *ca = pki_ca_new("Issuer", NULL);
	struct pki_spec spec = {.name = "Holder", .key = key, .exts = exts};
	struct pki_cert *cert = pki_cert_new(&spec, ca);

	pki_cert_free(ca);
	return cert;
}

enum certificate_class
certbed_class(struct wire_view der, enum certificate_origin origin, bool weak)
{
	struct certificate *cert = certificate_new(der, origin, weak);
	enum certificate_class class;

	assert_non_null(cert);
	class = certificate_class(cert);
	if (class == CERTIFICATE_REFUSED)
		assert_non_null(certificate_fault(cert));
	else
		assert_null(certificate_fault(cert));
	certificate_free(cert);
	return class;
}

enum certificate_class
certbed_class_in_slot(struct wire_view der)
{
	return certbed_class(der, CERTIFICATE_FROM_SLOT, false);
}

enum certificate_class
certbed_class_in_bag(struct wire_view der)
{
	return certbed_class(der, CERTIFICATE_FROM_ROOT_BAG, false);
}

void
certbed_assert_fault(struct wire_view der, enum certificate_origin origin,
                     const char *fault)
{
	struct certificate *cert = certificate_new(der, origin, false);

	assert_non_null(cert);
	assert_int_equal(certificate_class(cert), CERTIFICATE_REFUSED);
	assert_string_equal(certificate_fault(cert), fault);
	certificate_free(cert);
}

void
certbed_assert_view(struct wire_view view, const char *text)
{
	assert_true(wire_view_equal(view, wire_view_text(text)));
}
