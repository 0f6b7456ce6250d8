/*
 * The serialised certificate store of Windows, an ".sst" file: what
 * CertSaveStore writes, as [MS-OSHARED] 2.3.2.5.5 documents it.  A header, then
 * for each certificate its properties and itself as one element each, then an
 * end marker.  All elements have the same head: number, encoding, length.
 *
 * This module knows the frame only; what a property holds is property.h.
 */
#ifndef STORE_SST_H
#define STORE_SST_H

#include "wire.h"

enum {
	SST_FILE_MAX = 64 * 1024 * 1024, /* bytes of one file */
	SST_VALUE_MAX = 64 * 1024,       /* bytes of one element */
	SST_ELEMENTS_MAX = 1024 * 1024,  /* of one file */
	SST_CERTIFICATE = 32,            /* numbers of what is no property */
	SST_REVOCATION_LIST = 33,
	SST_TRUST_LIST = 34
};

void sst_put_start(struct wire_out *out);
void sst_put_property(struct wire_out *out, uint32_t number,
                      struct wire_view value);
/* Ends the properties that were put before: they are this one's. */
void sst_put_certificate(struct wire_out *out, struct wire_view der);
void sst_put_end(struct wire_out *out);

enum sst_step {
	SST_PROPERTY, /* of the next object */
	SST_CERT,
	SST_OTHER, /* a revocation or trust list; its properties end here */
	SST_END,   /* the marker; nothing may be left over */
	SST_FAULT  /* in->fault says how */
};

struct sst_element {
	uint32_t number;
	struct wire_view value; /* borrowed from the file */
};

/* The header; false when it is not such a file. */
bool sst_start(struct wire_in *in);

/* The next element.  After SST_END and SST_FAULT there is none. */
enum sst_step sst_next(struct wire_in *in, struct sst_element *element);

#endif
