/*
 * What the tests of certificates share: certificates made for one test, and
 * the class or the fault that ours is given.
 */
#ifndef TESTS_CERTBED_H
#define TESTS_CERTBED_H

#include "certificate.h"
#include "pki.h"

/* A user by his card's name and by mail; the value of a subjectAltName. */
#define CERTBED_NAMES                                                          \
	"otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user@example.test,"             \
	"email:user@mail.test"

/* A certificate with these extensions, by an authority of its own. */
struct pki_cert *certbed_issue(const struct pki_ext *exts, enum pki_key key);

/* A class is CERTIFICATE_REFUSED exactly when there is a fault. */
enum certificate_class certbed_class(struct wire_view der,
                                     enum certificate_origin origin, bool weak);
enum certificate_class certbed_class_in_slot(struct wire_view der);
enum certificate_class certbed_class_in_bag(struct wire_view der);

void certbed_assert_fault(struct wire_view der, enum certificate_origin origin,
                          const char *fault);
void certbed_assert_view(struct wire_view view, const char *text);

#endif
