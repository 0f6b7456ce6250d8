/*
 * A PIV card, NIST SP 800-73-4, built from a directory:
 *
 *   9A.der 9C.der 9D.der 9E.der 82.der .. 95.der   certificates
 *   9A.der.gz ...                                  the same, kept compressed
 *   5FFF11.obj ...                                 any object's content
 *   guid                                           see virtual_card.h
 */
#ifndef VIRTUAL_PIV_H
#define VIRTUAL_PIV_H

#include "virtual_card.h"

/* Fill a cleared card; false when an object does not fit. */
bool virtual_piv_load(struct virtual_card *card, const char *dir);

#endif
