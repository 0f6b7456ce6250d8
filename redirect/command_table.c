#include "command.h"

#include <string.h>

/* A name, and what a refusal of it is called in the two built-in modes. */
#define SAY(name) name, "commands use: " name, "commands read-only: " name

/* Applications to which some instructions mean something of their own. */
enum family {
	FAMILY_UNKNOWN, /* not known: the worse meaning counts */
	FAMILY_OTHER,
	FAMILY_PIV,
	FAMILY_GIDS,
	FAMILY_OPENPGP,
	FAMILY_CAC
};

struct row {
	uint8_t ins;
	struct command_meaning meaning;
};

static const struct command_meaning unknown = {COMMAND_OTHER,
                                               SAY("an unknown command")};

/* clang-format off */

/* ISO/IEC 7816-4, -7, -8 and -9: classes 0x and 4x to 7x. */
static const struct row iso[] = {
	{ 0x04, { COMMAND_MANAGES, SAY("DEACTIVATE FILE") } },
	{ 0x06, { COMMAND_MANAGES, SAY("DEACTIVATE RECORD") } },
	{ 0x08, { COMMAND_MANAGES, SAY("ACTIVATE RECORD") } },
	{ 0x0C, { COMMAND_MANAGES, SAY("ERASE RECORD") } },
	{ 0x0E, { COMMAND_MANAGES, SAY("ERASE BINARY") } },
	{ 0x0F, { COMMAND_MANAGES, SAY("ERASE BINARY") } },
	{ 0x10, { COMMAND_MANAGES, SAY("PERFORM SCQL OPERATION") } },
	{ 0x12, { COMMAND_MANAGES, SAY("PERFORM TRANSACTION OPERATION") } },
	{ 0x14, { COMMAND_MANAGES, SAY("PERFORM USER OPERATION") } },
	{ 0x20, { COMMAND_USES, SAY("VERIFY") } },
	{ 0x21, { COMMAND_USES, SAY("VERIFY") } },
	{ 0x22, { COMMAND_USES, SAY("MANAGE SECURITY ENVIRONMENT") } },
	{ 0x24, { COMMAND_MANAGES, SAY("CHANGE REFERENCE DATA") } },
	{ 0x25, { COMMAND_MANAGES, SAY("CHANGE REFERENCE DATA") } },
	{ 0x26, { COMMAND_MANAGES, SAY("DISABLE VERIFICATION REQUIREMENT") } },
	{ 0x28, { COMMAND_MANAGES, SAY("ENABLE VERIFICATION REQUIREMENT") } },
	{ 0x2A, { COMMAND_USES, SAY("PERFORM SECURITY OPERATION") } },
	{ 0x2B, { COMMAND_USES, SAY("PERFORM SECURITY OPERATION") } },
	{ 0x2C, { COMMAND_MANAGES, SAY("RESET RETRY COUNTER") } },
	{ 0x2D, { COMMAND_MANAGES, SAY("RESET RETRY COUNTER") } },
	{ 0x2E, { COMMAND_USES, SAY("PERFORM BIOMETRIC OPERATION") } },
	{ 0x2F, { COMMAND_USES, SAY("PERFORM BIOMETRIC OPERATION") } },
	{ 0x33, { COMMAND_READS, SAY("COMPARE") } },
	{ 0x34, { COMMAND_READS, SAY("GET ATTRIBUTE") } },
	{ 0x35, { COMMAND_READS, SAY("GET ATTRIBUTE") } },
	{ 0x40, { COMMAND_MANAGES, SAY("APPLICATION MANAGEMENT REQUEST") } },
	{ 0x41, { COMMAND_MANAGES, SAY("APPLICATION MANAGEMENT REQUEST") } },
	{ 0x44, { COMMAND_MANAGES, SAY("ACTIVATE FILE") } },
	{ 0x46, { COMMAND_MANAGES, SAY("GENERATE KEY PAIR") } },
	{ 0x47, { COMMAND_MANAGES, SAY("GENERATE KEY PAIR") } },
	{ 0x48, { COMMAND_MANAGES, SAY("IMPORT CARD SECRET") } },
	{ 0x70, { COMMAND_READS, SAY("MANAGE CHANNEL") } },
	{ 0x82, { COMMAND_USES, SAY("EXTERNAL AUTHENTICATE") } },
	{ 0x84, { COMMAND_READS, SAY("GET CHALLENGE") } },
	{ 0x86, { COMMAND_USES, SAY("GENERAL AUTHENTICATE") } },
	{ 0x87, { COMMAND_USES, SAY("GENERAL AUTHENTICATE") } },
	{ 0x88, { COMMAND_USES, SAY("INTERNAL AUTHENTICATE") } },
	{ 0xA0, { COMMAND_READS, SAY("SEARCH BINARY") } },
	{ 0xA1, { COMMAND_READS, SAY("SEARCH BINARY") } },
	{ 0xA2, { COMMAND_READS, SAY("SEARCH RECORD") } },
	{ 0xA4, { COMMAND_READS, SAY("SELECT") } },
	{ 0xA5, { COMMAND_READS, SAY("SELECT DATA") } },
	{ 0xB0, { COMMAND_READS, SAY("READ BINARY") } },
	{ 0xB1, { COMMAND_READS, SAY("READ BINARY") } },
	{ 0xB2, { COMMAND_READS, SAY("READ RECORD") } },
	{ 0xB3, { COMMAND_READS, SAY("READ RECORD") } },
	{ 0xC0, { COMMAND_READS, SAY("GET RESPONSE") } },
	{ 0xC2, { COMMAND_READS, SAY("ENVELOPE") } },
	{ 0xC3, { COMMAND_READS, SAY("ENVELOPE") } },
	{ 0xCA, { COMMAND_READS, SAY("GET DATA") } },
	{ 0xCB, { COMMAND_READS, SAY("GET DATA") } },
	{ 0xCC, { COMMAND_READS, SAY("GET NEXT DATA") } },
	{ 0xCD, { COMMAND_READS, SAY("GET NEXT DATA") } },
	{ 0xD0, { COMMAND_MANAGES, SAY("WRITE BINARY") } },
	{ 0xD1, { COMMAND_MANAGES, SAY("WRITE BINARY") } },
	{ 0xD2, { COMMAND_MANAGES, SAY("WRITE RECORD") } },
	{ 0xD6, { COMMAND_MANAGES, SAY("UPDATE BINARY") } },
	{ 0xD7, { COMMAND_MANAGES, SAY("UPDATE BINARY") } },
	{ 0xD8, { COMMAND_MANAGES, SAY("PUT NEXT DATA") } },
	{ 0xD9, { COMMAND_MANAGES, SAY("PUT NEXT DATA") } },
	{ 0xDA, { COMMAND_MANAGES, SAY("PUT DATA") } },
	{ 0xDB, { COMMAND_MANAGES, SAY("PUT DATA") } },
	{ 0xDC, { COMMAND_MANAGES, SAY("UPDATE RECORD") } },
	{ 0xDD, { COMMAND_MANAGES, SAY("UPDATE RECORD") } },
	{ 0xE0, { COMMAND_MANAGES, SAY("CREATE FILE") } },
	{ 0xE2, { COMMAND_MANAGES, SAY("APPEND RECORD") } },
	{ 0xE4, { COMMAND_MANAGES, SAY("DELETE FILE") } },
	{ 0xE6, { COMMAND_MANAGES, SAY("TERMINATE DF") } },
	{ 0xE8, { COMMAND_MANAGES, SAY("TERMINATE EF") } },
	{ 0xEA, { COMMAND_MANAGES, SAY("LOAD APPLICATION") } },
	{ 0xEB, { COMMAND_MANAGES, SAY("LOAD APPLICATION") } },
	{ 0xEC, { COMMAND_MANAGES, SAY("REMOVE APPLICATION") } },
	{ 0xED, { COMMAND_MANAGES, SAY("REMOVE APPLICATION") } },
	{ 0xFE, { COMMAND_MANAGES, SAY("TERMINATE CARD USAGE") } },
};

/* GlobalPlatform: class 8x. */
static const struct row platform[] = {
	{ 0x50, { COMMAND_MANAGES, SAY("INITIALIZE UPDATE") } },
	{ 0x82, { COMMAND_MANAGES, SAY("EXTERNAL AUTHENTICATE of an issuer") } },
	{ 0xCA, { COMMAND_READS, SAY("GET DATA") } },
	{ 0xCB, { COMMAND_READS, SAY("GET DATA") } },
	{ 0xD8, { COMMAND_MANAGES, SAY("PUT KEY") } },
	{ 0xE2, { COMMAND_MANAGES, SAY("STORE DATA") } },
	{ 0xE4, { COMMAND_MANAGES, SAY("DELETE") } },
	{ 0xE6, { COMMAND_MANAGES, SAY("INSTALL") } },
	{ 0xE8, { COMMAND_MANAGES, SAY("LOAD") } },
	{ 0xF0, { COMMAND_MANAGES, SAY("SET STATUS") } },
	{ 0xF2, { COMMAND_READS, SAY("GET STATUS") } },
};

/* What a contactless reader answers itself, PC/SC part 3: class FF. */
static const struct row pseudo[] = {
	{ 0xB0, { COMMAND_READS, SAY("READ BINARY of a reader") } },
	{ 0xB1, { COMMAND_READS, SAY("READ BINARY of a reader") } },
	{ 0xCA, { COMMAND_READS, SAY("GET DATA of a reader") } },
};

/* Yubico's and others' additions to PIV: class 0x. */
static const struct row piv[] = {
	{ 0xF6, { COMMAND_MANAGES, SAY("MOVE KEY") } },
	{ 0xF7, { COMMAND_READS, SAY("GET METADATA") } },
	{ 0xF8, { COMMAND_READS, SAY("GET SERIAL") } },
	{ 0xF9, { COMMAND_USES, SAY("ATTEST") } },
	{ 0xFA, { COMMAND_MANAGES, SAY("SET PIN RETRIES") } },
	{ 0xFB, { COMMAND_MANAGES, SAY("RESET") } },
	{ 0xFD, { COMMAND_READS, SAY("GET VERSION") } },
	{ 0xFE, { COMMAND_MANAGES, SAY("IMPORT KEY") } },
	{ 0xFF, { COMMAND_MANAGES, SAY("SET MANAGEMENT KEY") } },
};

/* CAC of before PIV: classes 0x and 8x. */
static const struct row cac[] = {
	{ 0x36, { COMMAND_READS, SAY("GET CERTIFICATE") } },
	{ 0x42, { COMMAND_USES, SAY("SIGN OR DECRYPT") } },
	{ 0x52, { COMMAND_READS, SAY("READ BUFFER") } },
	{ 0x56, { COMMAND_READS, SAY("GET PROPERTIES") } },
};

static const struct {
	enum family family;
	uint8_t len;
	uint8_t aid[9];
} families[] = {
	{ FAMILY_PIV, 5, { 0xA0, 0x00, 0x00, 0x03, 0x08 } },
	{ FAMILY_GIDS, 9, { 0xA0, 0x00, 0x00, 0x03, 0x97, 0x42, 0x54, 0x46, 0x59 } },
	{ FAMILY_OPENPGP, 6, { 0xD2, 0x76, 0x00, 0x01, 0x24, 0x01 } },
	{ FAMILY_CAC, 5, { 0xA0, 0x00, 0x00, 0x00, 0x79 } },
	{ FAMILY_CAC, 5, { 0xA0, 0x00, 0x00, 0x01, 0x16 } },
};
/* clang-format on */

static const struct command_meaning piv_admin = {
    COMMAND_MANAGES, SAY("authentication with the PIV management key")};
static const struct command_meaning gids_admin = {
    COMMAND_MANAGES, SAY("authentication with the GIDS admin key")};
static const struct command_meaning environment = {
    COMMAND_MANAGES, SAY("storing a security environment")};
static const struct command_meaning public_key = {COMMAND_READS,
                                                  SAY("GET PUBLIC KEY")};

/* An AID that is cut too short to tell a family is an unknown one. */
static enum family
family_of(const struct command_app *app)
{
	if (app == NULL || !app->known)
		return FAMILY_UNKNOWN;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		size_t len = families[i].len;

		if (memcmp(app->aid, families[i].aid,
		           app->len < len ? app->len : len) == 0)
			return app->len < len ? FAMILY_UNKNOWN
			                      : families[i].family;
	}
	return FAMILY_OTHER;
}

/* The key reference of GIDS' admin key, 83 01 80, in what can be read. */
static bool
names_admin_key(const struct command *c)
{
	struct wire_in in = wire_in_view(c->data);

	if (c->secured || c->chained)
		return true;
	while (in.left >= 3) {
		struct wire_in at = in;

		if (wire_u16_be(&at) == 0x8301 && wire_u8(&at) == 0x80)
			return true;
		wire_skip(&in, 1);
	}
	return false;
}

/* Instructions of ISO that mean more, or less, in some applications. */
static const struct command_meaning *
special(const struct command *c, enum family family)
{
	bool perhaps_piv = family == FAMILY_PIV || family == FAMILY_UNKNOWN;
	bool perhaps_gids = family == FAMILY_GIDS || family == FAMILY_UNKNOWN;

	switch (c->ins) {
	case 0x22:
		if ((c->p1 & 0x0F) == 0x02 || (c->p1 & 0x0F) == 0x04)
			return &environment;
		if (perhaps_gids && c->p2 == 0xA4 && names_admin_key(c))
			return &gids_admin;
		return NULL;
	case 0x47:
		return family == FAMILY_OPENPGP && c->p1 == 0x81 ? &public_key
		                                                 : NULL;
	case 0x82:
	case 0x86:
	case 0x87:
		if (perhaps_piv && c->p2 == 0x9B)
			return &piv_admin;
		if (family == FAMILY_GIDS || (perhaps_gids && c->ins == 0x87 &&
		                              c->p1 == 0 && c->p2 == 0))
			return &gids_admin;
		return NULL;
	default:
		return NULL;
	}
}

static const struct command_meaning *
find(const struct row *rows, size_t count, uint8_t ins)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].ins == ins)
			return &rows[i].meaning;
	}
	return NULL;
}

#define FIND(rows, ins) find(rows, sizeof(rows) / sizeof(rows[0]), ins)

static const struct command_meaning *
look(const struct command *c, enum family family)
{
	const struct command_meaning *found = NULL;

	if (c->plain == 0xFF)
		return FIND(pseudo, c->ins);
	if (c->plain != 0 && c->plain != 0x80)
		return NULL;
	if (c->plain == 0)
		found = special(c, family);
	if (found == NULL && family == FAMILY_CAC)
		found = FIND(cac, c->ins);
	if (found == NULL && c->plain == 0 && family == FAMILY_PIV)
		found = FIND(piv, c->ins);
	if (found != NULL)
		return found;
	return c->plain == 0 ? FIND(iso, c->ins) : FIND(platform, c->ins);
}

struct command_meaning
command_meaning(const struct command *command, const struct command_app *app)
{
	const struct command_meaning *found = look(command, family_of(app));

	return found == NULL ? unknown : *found;
}
