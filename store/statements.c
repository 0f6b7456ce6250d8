#include "statements.h"

/* What the card says: a value wins over the old one, nothing over nothing. */
#define NEW(column)     "coalesce(excluded." column ", entry." column ")"
#define TAKE(column)    column " = " NEW(column) ", "
#define CHANGES(column) NEW(column) " IS DISTINCT FROM entry." column " OR "

/* What a user or an administrator may have set: the old value wins. */
#define OLD(column)   "coalesce(entry." column ", excluded." column ")"
#define KEEP(column)  column " = " OLD(column) ", "
#define FILLS(column) OLD(column) " IS DISTINCT FROM entry." column " OR "

/* A session of the running keeper: not ended, started or adopted by it. */
#define LIVE                                                                   \
	" s.ended_at IS NULL AND EXISTS (SELECT 1 FROM proxy p"                \
	" WHERE p.proxy_id = s.proxy_id AND p.epoch = s.epoch)"

// clang-format off
const char *const statement_texts[STATEMENTS] = {
    [STATEMENT_PROXY_FIND] = "SELECT proxy_id FROM proxy LIMIT 1",
    [STATEMENT_PROXY_ADD] =
	"INSERT INTO proxy (proxy_id, epoch, host, started_at, version)"
	" VALUES (?1, 0, ?2, ?3, ?4)",
    [STATEMENT_PROXY_NEXT_EPOCH] =
	"UPDATE proxy SET epoch = epoch + 1, started_at = ?2, version = ?3"
	" WHERE proxy_id = ?1 RETURNING epoch",

    [STATEMENT_AUDIT] =
	"INSERT INTO audit (proxy_id, epoch, session_id, seq, at, event,"
	" sha256, detail)"
	" SELECT ?1, ?2, ?3, coalesce(max(seq), 0) + 1, ?4, ?5, ?6, ?7"
	" FROM audit WHERE proxy_id = ?1 AND epoch = ?2"
	" AND session_id = ?3",

    [STATEMENT_SESSION_FIND] = "SELECT 1 FROM session WHERE session_id = ?1",
    [STATEMENT_SESSION_START] =
	"INSERT INTO session (session_id, proxy_id, epoch, target,"
	" client_name, client_addr, started_at)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
	" ON CONFLICT (session_id) DO UPDATE SET"
	" proxy_id = excluded.proxy_id, epoch = excluded.epoch,"
	" target = coalesce(excluded.target, session.target),"
	" client_name ="
	" coalesce(excluded.client_name, session.client_name),"
	" client_addr ="
	" coalesce(excluded.client_addr, session.client_addr),"
	" ended_at = NULL, end_reason = NULL",
    [STATEMENT_SESSION_STATE] =
	"UPDATE session SET user_key = ?2, identity_source = ?3,"
	" policy = ?4 WHERE session_id = ?1 AND"
	" (user_key IS DISTINCT FROM ?2"
	" OR identity_source IS DISTINCT FROM ?3"
	" OR policy IS DISTINCT FROM ?4)",
    [STATEMENT_SESSION_END] =
	"UPDATE session SET ended_at = ?2, end_reason = ?3"
	" WHERE session_id = ?1 AND ended_at IS NULL",
    [STATEMENT_SESSION_STALE] =
	"SELECT session_id FROM session"
	" WHERE ended_at IS NULL AND proxy_id = ?1 AND epoch <> ?2"
	" LIMIT 1",

    [STATEMENT_CERT_ADD] =
	"INSERT INTO cert (sha256, sha1, der, subject, issuer, serial,"
	" not_before, not_after, ski, aki, key_alg, key_bits,"
	" subject_hash, is_ca, self_issued, upn, email, first_seen)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
	" ?13, ?14, ?15, ?16, ?17, ?18)"
	" ON CONFLICT (sha256) DO NOTHING",

    [STATEMENT_ENTRY_FIND] = "SELECT 1 FROM entry WHERE store = ?1"
			     " AND owner = ?2 AND sha256 = ?3",
    [STATEMENT_ENTRY_TOTALS] =
	"SELECT count(*), coalesce(sum(length(c.der)), 0) FROM entry e"
	" JOIN cert c ON c.sha256 = e.sha256 WHERE e.owner = ?1"
	" AND CASE WHEN e.store = 3 THEN 3 ELSE 0 END ="
	" CASE WHEN ?2 = 3 THEN 3 ELSE 0 END",

    /* No row comes back when there was nothing to write. */
    [STATEMENT_ENTRY_PUT] =
	"INSERT INTO entry (store, owner, sha256, friendly_name,"
	" prov_name, prov_type, prov_flags, key_spec, container,"
	" pkcs11_uri, reader_name, card_id, family, enrollment,"
	" logon_eligible, created_at, updated_at, last_session, revision)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
	" ?14, ?15, ?16, ?16, ?17, 1)"
	" ON CONFLICT (store, owner, sha256) DO UPDATE SET "
	KEEP("friendly_name") KEEP("enrollment")
	TAKE("prov_name") TAKE("prov_type") TAKE("prov_flags")
	TAKE("key_spec") TAKE("container") TAKE("pkcs11_uri")
	TAKE("reader_name") TAKE("card_id") TAKE("family")
	"logon_eligible = excluded.logon_eligible,"
	" updated_at = excluded.updated_at,"
	" last_session = excluded.last_session,"
	" revision = entry.revision + 1 WHERE "
	FILLS("friendly_name") FILLS("enrollment")
	CHANGES("prov_name") CHANGES("prov_type") CHANGES("prov_flags")
	CHANGES("key_spec") CHANGES("container") CHANGES("pkcs11_uri")
	CHANGES("reader_name") CHANGES("card_id") CHANGES("family")
	"excluded.logon_eligible <> entry.logon_eligible"
	" RETURNING revision",
    [STATEMENT_ENTRY_DROP_USER] =
	"DELETE FROM entry WHERE store = ?1 AND owner = ?2"
	" AND card_id IS NOT DISTINCT FROM ?3"
	" AND reader_name IS NOT DISTINCT FROM ?4",
    [STATEMENT_ENTRY_DROP_UNCLAIMED] =
	"DELETE FROM entry WHERE store = ?1 AND owner = ?2"
	" AND NOT EXISTS (SELECT 1 FROM claim c"
	" WHERE c.scope = ?2 AND c.sha256 = entry.sha256)",

    [STATEMENT_CLAIM_PUT] =
	"INSERT INTO claim (scope, sha256, session_id, reader, card_id,"
	" reader_name, family, proxy_id, epoch, kind, ends_on, created_at)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
	" ON CONFLICT (scope, sha256, session_id, reader, card_id)"
	" DO UPDATE SET epoch = excluded.epoch, kind = excluded.kind,"
	" ends_on = excluded.ends_on, kept = 0"
	" WHERE claim.epoch <> excluded.epoch"
	" OR claim.kind <> excluded.kind"
	" OR claim.ends_on <> excluded.ends_on OR claim.kept <> 0"
	" RETURNING created_at",
    /* ends_on 0 is never: no card and no log-off ends such a claim. */
    [STATEMENT_CLAIM_OF_CARD] =
	"SELECT sha256 FROM claim WHERE session_id = ?1 AND reader = ?2"
	" AND card_id = ?3 AND ends_on <> 0",
    [STATEMENT_CLAIM_DROP] =
	"DELETE FROM claim WHERE session_id = ?1 AND reader = ?2"
	" AND card_id = ?3 AND sha256 = ?4",
    /*
     * Only what a card's removal ends: a claim until log-off may be of a
     * card that was withdrawn before, and nobody asserts that one again.
     */
    [STATEMENT_CLAIM_DROP_EPOCHS] =
	"DELETE FROM claim WHERE session_id = ?1 AND epoch <> ?2"
	" AND ends_on = 1",
    [STATEMENT_CLAIM_DROP_SESSION] =
	"DELETE FROM claim WHERE session_id = ?1 AND ends_on <> 0",
    [STATEMENT_CLAIM_KEEP] =
	"UPDATE claim SET kept = 1 WHERE session_id = ?1 AND kept = 0",

    [STATEMENT_SWEEP_CERTS] =
	"DELETE FROM cert WHERE"
	" NOT EXISTS (SELECT 1 FROM entry e WHERE e.sha256 = cert.sha256)"
	" AND NOT EXISTS"
	" (SELECT 1 FROM claim c WHERE c.sha256 = cert.sha256)"
	" AND NOT EXISTS"
	" (SELECT 1 FROM root_pin r WHERE r.sha256 = cert.sha256)",
    [STATEMENT_SWEEP_SESSIONS] =
	"DELETE FROM session WHERE ended_at < ?1 AND NOT EXISTS"
	" (SELECT 1 FROM claim c WHERE c.session_id = session.session_id)",
    [STATEMENT_SWEEP_AUDIT] = "DELETE FROM audit WHERE at < ?1",

    /* The only definition of what is trusted in a scope. */
    [STATEMENT_PRESENCE] =
	"SELECT c.sha256, c.der, c.subject_hash, min(w.kind) FROM"
	" (SELECT r.sha256, 3 AS kind FROM root_pin r WHERE r.scope = ?1"
	" UNION"
	" SELECT m.sha256, m.kind FROM claim m"
	" JOIN session s ON s.session_id = m.session_id"
	/* kind 5, KEEP_PREEXISTING: nothing of ours to show */
	" WHERE m.scope = ?1 AND m.kind <> 5 AND" LIVE ") w"
	" JOIN cert c ON c.sha256 = w.sha256"
	" GROUP BY c.sha256, c.der, c.subject_hash ORDER BY c.sha256",

    [STATEMENT_LIST_ENTRIES] =
	"SELECT e.store, e.owner, c.sha256, c.sha1, c.der, c.subject,"
	" c.issuer, c.serial, c.not_before, c.not_after, c.key_alg,"
	" c.key_bits, c.upn, c.email, e.friendly_name, e.prov_name,"
	" e.container, e.pkcs11_uri, e.reader_name, e.card_id, e.family,"
	" e.logon_eligible, e.created_at, e.updated_at, e.last_session"
	" FROM entry e JOIN cert c ON c.sha256 = e.sha256"
	" WHERE e.store <> 3 AND (?1 IS NULL OR e.owner = ?1)"
	" ORDER BY e.owner, e.store, c.sha256",
    [STATEMENT_LIST_CLAIMS] =
	"SELECT m.scope, m.sha256, c.subject, c.not_after, m.session_id,"
	" s.user_key, s.client_name, s.client_addr, s.target, m.reader,"
	" m.reader_name, m.card_id, m.family, m.kind, m.ends_on,"
	" CASE WHEN" LIVE " THEN 1 ELSE 0 END, m.kept, m.created_at"
	" FROM claim m JOIN cert c ON c.sha256 = m.sha256"
	" JOIN session s ON s.session_id = m.session_id"
	" WHERE ?1 IS NULL OR m.scope = ?1"
	" ORDER BY m.scope, m.sha256, m.session_id, m.reader",
    [STATEMENT_LIST_PINS] =
	"SELECT r.scope, r.sha256, c.subject, r.pinned_by, r.reason,"
	" r.pinned_at FROM root_pin r"
	" LEFT JOIN cert c ON c.sha256 = r.sha256"
	" WHERE ?1 IS NULL OR r.scope = ?1 ORDER BY r.scope, r.sha256",
    [STATEMENT_STATS] =
	"SELECT (SELECT count(*) FROM cert),"
	" (SELECT count(*) FROM entry), (SELECT count(*) FROM claim),"
	" (SELECT count(*) FROM root_pin),"
	" (SELECT count(*) FROM session s WHERE" LIVE "),"
	" (SELECT count(*) FROM audit)",
};
// clang-format on
