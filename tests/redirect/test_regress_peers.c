/* Defects of neighbours, for connections, cards and the store's messages. */
#include "regress.h"

#include "apdu.h"
#include "atr.h"
#include "certificate.h"
#include "exact.h"
#include "exchange.h"
#include "gcc.h"
#include "inflate.h"
#include "keep.h"
#include "log.h"
#include "mcs.h"
#include "relay.h"
#include "rootbag.h"
#include "share.h"
#include "tlv.h"
#include "x224.h"

#include <stdlib.h>

/* ---- what a connection begins with */

static enum relay_peek
peek(const void *head, size_t len, size_t *frame)
{
	static const struct relay_negotiation same = {1, 1, 1, 1};
	struct relay *r = relay_new(&same);
	enum relay_peek found =
	    relay_peek(r, RELAY_CLIENT, (struct wire_view){head, len}, frame);

	relay_free(r);
	return found;
}

/* A frame never is empty: whoever steps over it gets on. */
static bool
length_of_nothing(void)
{
	static const uint8_t tpkt[] = {3, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t small[] = {3, 0, 0, 3, 0, 0, 0, 0};
	static const uint8_t fast[] = {0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t one[] = {0, 1, 0, 0, 0, 0, 0, 0};
	static const uint8_t *const all[] = {tpkt, small, fast, one};
	size_t len;

	for (size_t i = 0; i < 4; i++) {
		len = 1;
		if (peek(all[i], 8, &len) != RELAY_UNFRAMED && len == 0)
			return false;
	}
	return peek(tpkt, 8, &len) == RELAY_UNFRAMED &&
	       x224_message_len((struct wire_view){tpkt, 8}) != 0;
}

static bool
request_without_negotiation(void)
{
	static const uint8_t bytes[] = {3, 0, 0, 11, 6, 0xE0, 0, 0, 0, 0, 0};
	struct wire_in in = wire_in(bytes, sizeof(bytes));
	struct x224_request request;

	return x224_request_decode(&in, &request) && !request.negotiates &&
	       request.protocols == X224_PROTOCOL_RDP;
}

/* A confirm without negotiation is not one that chose TLS. */
static bool
confirm_without_choice(void)
{
	static const uint8_t bytes[] = {3, 0, 0, 11, 6, 0xD0, 0, 0, 0, 0, 0};
	struct wire_in in = wire_in(bytes, sizeof(bytes));
	struct x224_confirm confirm;

	return x224_confirm_decode(&in, &confirm) && confirm.kind == X224_PLAIN;
}

static bool
core_cut_short(void)
{
	/* A CS_CORE that says 216 bytes and has eight. */
	static const uint8_t bytes[] = {0x01, 0xC0, 0xD8, 0x00, 4, 0, 8, 0};

	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct wire_view copy = exact_dup(bytes, len);
		struct gcc_client client;
		const char *fault = gcc_client_decode(copy, &client);

		exact_free(copy);
		if (fault == NULL)
			return false;
	}
	return true;
}

static bool
mcs_length(void)
{
	/* A Send Data Request that states 0x3FFF bytes and has one. */
	static const uint8_t bytes[] = {0x64, 0,    6,    3, 0xEB,
	                                0x70, 0xBF, 0xFF, 0};

	for (size_t len = 0; len < sizeof(bytes); len++) {
		struct wire_view copy = exact_dup(bytes, len);
		struct wire_in in = wire_in_view(copy);
		struct mcs_head head;
		bool good = mcs_head_decode(&in, &head);

		good = good && head.kind == MCS_DATA && len < MCS_DATA_HEAD;
		exact_free(copy);
		if (good)
			return false;
	}
	return true;
}

static bool
security_header(void)
{
	static const uint8_t bytes[] = {0x40, 0, 0, 0};

	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct wire_view copy = exact_dup(bytes, len);
		struct share_info info;
		bool refused = !share_is_info(copy) ||
		               share_info_decode(copy, &info) != NULL;

		exact_free(copy);
		if (!refused)
			return false;
	}
	return true;
}

/* A user and a domain of no bytes: empty texts, and no pointer to nothing. */
static bool
names_of_nothing(void)
{
	static const uint8_t bytes[64] = {0x40, 0, 0, 0, 0, 0, 0, 0, 0x10};
	struct wire_view copy = exact_dup(bytes, sizeof(bytes));
	struct share_info info;
	char text[8] = "x";
	bool good = share_info_decode(copy, &info) != NULL ||
	            (share_text_utf8(&info.user, text, sizeof(text)) &&
	             text[0] == '\0');

	exact_free(copy);
	return good;
}

/* Demand Active: a capability set that is longer than what is left. */
static bool
demand_active(void)
{
	static const uint8_t bytes[] = {
	    U16(34), U16(0x11), U16(1002), U32(0x103EA), U16(4),
	    U16(12), 'R',       'D',       'P',          0,
	    U16(1),  U16(0),    U16(20),   U16(0xFF),    U32(0)};

	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct wire_view copy = exact_dup(bytes, len);
		struct share_vc vc = {.flags_offset = 0};
		const char *fault = share_demand_decode(copy, &vc);

		exact_free(copy);
		if (fault == NULL && vc.flags_offset >= len && len > 0 &&
		    vc.flags_offset != 0)
			return false;
		if (fault == NULL && len == sizeof(bytes))
			return false;
	}
	return true;
}

/* A share PDU of no length does not keep the loop busy. */
static bool
share_of_nothing(void)
{
	static const uint8_t bytes[] = {U16(0), U16(0x17), U16(1002), U32(1)};
	struct wire_in in = wire_in(bytes, sizeof(bytes));
	struct share_head head;
	struct wire_view pdu;
	unsigned turns = 0;

	while (turns < 100 && share_next(&in, &head, &pdu))
		turns++;
	return turns < 100;
}

/* ---- cards */

static struct wire_view
text_view(const char *bytes, size_t len)
{
	return exact_dup(bytes, len);
}

static bool
historical(const char *atr, size_t len, size_t want)
{
	struct wire_view copy = text_view(atr, len);
	bool good = atr_historical(copy).len == want;

	exact_free(copy);
	return good;
}

static bool
historical_bytes(void)
{
	return historical("\x3B\x02\x41\x42", 4, 2) &&
	       historical("\x3B\x0F\x41\x42", 4, 0) && historical("\x3B", 1, 0);
}

static bool
endless_interface_bytes(void)
{
	char atr[40];

	memset(atr, 0xFF, sizeof(atr));
	atr[0] = 0x3B;
	for (size_t len = 0; len <= sizeof(atr); len++)
		if (!historical(atr, len, 0))
			return false;
	return true;
}

/* The card's answers to one object, and what came of it. */
static enum exchange_outcome
exchange(const char *answer, size_t len, unsigned turns, size_t limit,
         size_t *got)
{
	static const struct exchange_want want = {.ins = APDU_GET_DATA,
	                                          .file = 0x3FFF,
	                                          .name = {0x5F, 0xC1, 0x05},
	                                          .name_len = 3};
	const struct card_hints hints = {.protocol = 2};
	struct exchange_want mine = want;
	enum exchange_step step = EXCHANGE_SEND;
	enum exchange_outcome outcome = EXCHANGE_OK;
	struct exchange ex;

	mine.limit = limit;
	exchange_init(&ex, &hints);
	exchange_begin(&ex, &mine);
	while (turns-- > 0 && step == EXCHANGE_SEND) {
		struct wire_view copy = text_view(answer, len);

		step = exchange_answer(&ex, copy);
		exact_free(copy);
	}
	*got = step == EXCHANGE_DONE ? ex.result.data.len : 0;
	outcome = step == EXCHANGE_DONE ? ex.result.outcome : EXCHANGE_FAULT;
	exchange_clear(&ex);
	return outcome;
}

static bool
answers_without_end(void)
{
	size_t got;

	return exchange("\x53\x61\x01", 3, 100000, 4096, &got) ==
	           EXCHANGE_FAULT &&
	       exchange("\x6C\x10", 2, 1000, 4096, &got) != EXCHANGE_OK;
}

static bool
answers_too_short(void)
{
	size_t got;

	return exchange("", 0, 3, 4096, &got) != EXCHANGE_OK &&
	       exchange("\x90", 1, 3, 4096, &got) != EXCHANGE_OK;
}

static bool
answer_too_long(void)
{
	static char answer[70000];
	size_t got;

	memset(answer, 0x53, sizeof(answer));
	return exchange(answer, sizeof(answer), 3, 4096, &got) != EXCHANGE_OK ||
	       got <= 4096;
}

static bool
nested_without_end(void)
{
	uint8_t bytes[400];

	for (size_t i = 0; i < sizeof(bytes); i += 4) {
		size_t left = sizeof(bytes) - i - 4;

		bytes[i] = TLV_SEQUENCE;
		bytes[i + 1] = 0x82;
		bytes[i + 2] = (uint8_t)(left >> 8);
		bytes[i + 3] = (uint8_t)left;
	}
	return !tlv_is_der((struct wire_view){bytes, sizeof(bytes)});
}

static bool
tlv_length_lies(void)
{
	static const char *const all[] = {"\x53\x7F", "\x53\x82\xFF\xFF",
	                                  "\x53\x83\xFF\xFF\xFF", "\x53\x80"};
	static const size_t lens[] = {2, 4, 5, 2};

	for (size_t i = 0; i < 4; i++) {
		struct wire_view copy = text_view(all[i], lens[i]);
		struct wire_in in = wire_in_view(copy);
		struct tlv tlv = tlv_next(&in, TLV_BER);
		bool refused = !wire_ok(&in) && tlv.value.len == 0;

		exact_free(copy);
		if (!refused)
			return false;
	}
	return true;
}

static bool
refused_certificate(const uint8_t *der, size_t len)
{
	struct wire_view copy = exact_dup(der, len);
	struct certificate *cert =
	    certificate_new(copy, CERTIFICATE_FROM_SLOT, false);
	bool refused =
	    cert == NULL || certificate_class(cert) == CERTIFICATE_REFUSED;

	certificate_free(cert);
	exact_free(copy);
	return refused;
}

/* A key of no bits at all, inside what looks like a certificate. */
static bool
key_of_nothing(void)
{
	static const uint8_t der[] = {0x30, 0x0D, 0x30, 0x06, 0x30,
	                              0x04, 0x03, 0x00, 0x05, 0x00,
	                              0x30, 0x00, 0x03, 0x01, 0x00};

	for (size_t len = 0; len <= sizeof(der); len++)
		if (!refused_certificate(der, len))
			return false;
	return true;
}

static bool
certificate_too_large(void)
{
	static uint8_t der[64 * 1024] = {0x30, 0x82, 0xFF, 0xFB,
	                                 0x06, 0x82, 0xFF, 0xF7};

	return refused_certificate(der, sizeof(der));
}

static bool
bag_without_content(void)
{
	/* ContentInfo of SignedData: no content, NULL, and one of no type. */
	static const uint8_t none[] = {0x30, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48,
	                               0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02};
	static const uint8_t null[] = {0x30, 0x0F, 0x06, 0x09, 0x2A, 0x86,
	                               0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07,
	                               0x02, 0xA0, 0x02, 0x05, 0x00};
	static const uint8_t other[] = {0x30, 0x02, 0x05, 0x00};
	struct rootbag bag;

	return rootbag_parse((struct wire_view){none, sizeof(none)}, &bag) !=
	           NULL &&
	       rootbag_parse((struct wire_view){null, sizeof(null)}, &bag) !=
	           NULL &&
	       rootbag_parse((struct wire_view){other, sizeof(other)}, &bag) !=
	           NULL &&
	       bag.count == 0;
}

static bool
no_command_with_a_pin(void)
{
	for (unsigned ins = 0; ins < 256; ins++) {
		const uint8_t command[] = {0, (uint8_t)ins, 0, 0x80, 0};
		bool reads = ins == APDU_SELECT || ins == APDU_READ_BINARY ||
		             ins == APDU_GET_RESPONSE || ins == APDU_GET_DATA;

		if (apdu_allowed((struct wire_view){command, 5}) != reads)
			return false;
	}
	return true;
}

static bool
inflates_without_end(void)
{
	/* One zlib block of stored nothing, then cut; and no zlib at all. */
	static const uint8_t cut[] = {0x78, 0x9C, 0x03};
	static const uint8_t none[] = {0x78, 0x00, 0xFF, 0xFF};
	uint8_t *out = NULL;
	size_t len;

	return inflate_member((struct wire_view){cut, sizeof(cut)}, 16, &out,
	                      &len) != INFLATE_OK &&
	       out == NULL &&
	       inflate_member((struct wire_view){none, sizeof(none)}, 16, &out,
	                      &len) != INFLATE_OK &&
	       out == NULL;
}

/* ---- here on the machine */

/* Every start of what the store is told is refused, whatever it says. */
static bool
keeper_length_lies(void)
{
	uint8_t bytes[64];
	struct keep_msg msg;

	for (unsigned fill = 0; fill < 256; fill++)
		for (size_t len = 0; len < 12; len++) {
			struct wire_view copy;
			struct wire_in in;
			bool good;

			memset(bytes, 0xFF, sizeof(bytes));
			bytes[0] = (uint8_t)fill;
			bytes[1] = 0;
			copy = exact_dup(bytes, len);
			in = wire_in_view(copy);
			good = keep_decode(&in, &msg) && in.left > 0;
			exact_free(copy);
			if (good)
				return false;
		}
	return true;
}

static bool
log_of_a_name(void)
{
	static const char name[] = "../\n\x1b[31m%n\xE2\x80\xAE";
	char out[128];
	size_t len;

	(void)log_printable(out, sizeof(out), wire_view_text(name));
	len = strlen(out);
	for (size_t i = 0; i < len; i++)
		if (out[i] < ' ' || out[i] > '~')
			return false;
	return strchr(out, '\n') == NULL && strstr(out, "%n") == NULL;
}

/* clang-format off */
static const struct regress rows[] = {
	/* id, what it was, what must be here, check */
	{ "regress-CVE-2026-54538", "xrdp: a length of 0 loops for ever", "no frame", length_of_nothing },
	{ "regress-CVE-2026-64620", "FreeRDP: legacy security before a login", "seen as no negotiation", request_without_negotiation },
	{ "regress-CVE-2026-32105", "xrdp: legacy security without a MAC", "seen as no TLS", confirm_without_choice },
	{ "regress-CVE-2022-23482", "xrdp: core data read past its end", "refused", core_cut_short },
	{ "regress-CVE-2018-20175", "rdesktop: MCS lengths", "refused", mcs_length },
	{ "regress-CVE-2018-20176", "rdesktop: security header", "refused", security_header },
	{ "regress-CVE-2026-23948", "FreeRDP proxy: names of no length", "refused, or empty", names_of_nothing },
	{ "regress-CVE-2018-20178", "rdesktop: Demand Active cut short", "refused", demand_active },
	{ "regress-CVE-2026-33516", "xrdp: capabilities read past their end", "refused", demand_active },
	{ "regress-CVE-2022-23481", "xrdp: capabilities read past their end", "refused", demand_active },
	{ "regress-CVE-2026-55645", "xrdp: control PDU read past its end", "no PDU", share_of_nothing },
	{ "regress-CVE-2025-66038", "OpenSC: historical bytes over-read", "none", historical_bytes },
	{ "regress-CVE-2010-4531", "pcsc-lite: interface bytes without end", "none", endless_interface_bytes },
	{ "regress-CVE-2025-49010", "OpenSC: GET RESPONSE overflows", "fault", answers_without_end },
	{ "regress-CVE-2018-16391", "OpenSC: long answers of a card", "bounded", answer_too_long },
	{ "regress-CVE-2020-26570", "OpenSC: object larger than its buffer", "bounded", answer_too_long },
	{ "regress-CVE-2024-45615", "OpenSC: short answers used unset", "fault", answers_too_short },
	{ "regress-CVE-2018-16426", "OpenSC: recursion without end", "refused", nested_without_end },
	{ "regress-CVE-2023-2977", "OpenSC: TLV length beyond the data", "refused", tlv_length_lies },
	{ "regress-CVE-2025-66037", "OpenSC: public key overrun", "refused", key_of_nothing },
	{ "regress-CVE-2019-15945", "OpenSC: bit string of no bits", "refused", key_of_nothing },
	{ "regress-CVE-2019-6502", "OpenSC: certificate larger than its buffer", "refused", certificate_too_large },
	{ "regress-CVE-2023-2650", "OpenSSL: giant OBJECT IDENTIFIER", "refused unread", certificate_too_large },
	{ "regress-CVE-2024-0727", "OpenSSL: PKCS content that is NULL", "refused", bag_without_content },
	{ "regress-CVE-2026-22795", "OpenSSL: PKCS7 of the wrong type", "refused", bag_without_content },
	{ "regress-CVE-2023-40660", "OpenSC: around the PIN", "no such command can leave", no_command_with_a_pin },
	{ "regress-OPENSC-inflate", "OpenSC: inflates without a bound", "bounded, all or nothing", inflates_without_end },
	{ "regress-CVE-2020-4044", "xrdp: local socket trusted", "refused", keeper_length_lies },
	{ "regress-CVE-2022-23613", "xrdp: local socket, underflow", "refused", keeper_length_lies },
	{ "regress-CVE-2022-39347", "FreeRDP: name used as path", "text only, and printable", log_of_a_name },
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return regress_main(rows, sizeof(rows) / sizeof(rows[0]), argc, argv);
}
