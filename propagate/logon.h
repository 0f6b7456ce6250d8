/*
 * Is a certificate fit for a log-on with a card?  The filter of Windows'
 * sign-in enumeration, steered by the values of SmartCardCredentialProvider.
 * It is a flag of the entry: nothing is kept back for it.
 *
 * AllowCertificatesWithNoEKU, EnumerateECCCerts, AllowSignatureOnlyKeys and
 * AllowTimeInvalidCertificates loosen it; X509HintsNeeded accepts a certificate
 * without a UPN, whose user then has to name himself.
 */
#ifndef PROPAGATE_LOGON_H
#define PROPAGATE_LOGON_H

#include "items.h"

/* Set the flag of every item of a user; now in seconds since the epoch. */
void logon_judge(struct items *items, const struct certprop_logon *rules,
                 int64_t now);

#endif
