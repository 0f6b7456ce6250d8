#include "statements.h"

/* What the card says: a value wins over the old one, nothing over nothing. */
#define NEW(column)     "coalesce(excluded." column ", entry." column ")"
#define TAKE(column)    column " = " NEW(column) ", "
#define CHANGES(column) NEW(column) " IS DISTINCT FROM entry." column " OR "

/* What a user or an administrator may have set: the old value wins. */
#define OLD(column)   "coalesce(entry." column ", excluded." column ")"
#define KEEP(column)  column " = " OLD(column) ", "
#define FILLS(column) OLD(column) " IS DISTINCT FROM entry." column " OR "

/* A log-on of the running keeper: not ended, started or adopted by it. */
#define LIVE                                                                   \
	" s.ended_at IS NULL AND EXISTS (SELECT 1 FROM proxy p"                \
	" WHERE p.proxy_id = s.proxy_id AND p.epoch = s.epoch)"

/* Of the claims on a user's entry the one whose card was inserted last. */
#define LAST(columns)                                                          \
	"(SELECT " columns " FROM claim b WHERE b.scope = ?2"                  \
	" AND b.sha256 = entry.sha256 AND b.kind = entry.store"                \
	" AND b.present = 1 ORDER BY b.inserted DESC LIMIT 1)"
/* A card that does not say who it is has no id in an entry. */
#define KNOWN_CARD "nullif(b.card_id, X'00000000000000000000000000000000')"

/* What a statement that drops claims tells of each. */
#define WHOSE " RETURNING scope, sha256, kind"

/* Where this card keeps the key. */
#define BINDING                                                                \
	"prov_name, prov_type, prov_flags, key_spec, container, pkcs11_uri,"   \
	" smart_card_data, pin_id, pin_info, card_serial, chuid,"              \
	" reader_removable"
#define REBINDS(column) column " = excluded." column ", "
#define FIRST(column)                                                          \
	column " = CASE WHEN claim.present = 1 THEN claim." column             \
	       " ELSE excluded." column " END,"
#define MOVED(column)   " OR claim." column " IS DISTINCT FROM excluded." column

#define ENTRY_COLUMNS                                                          \
	"SELECT e.store, e.owner, c.sha256, c.sha1, c.der, c.subject,"         \
	" c.issuer, c.serial, c.not_before, c.not_after, c.key_alg,"           \
	" c.key_bits, c.upn, c.email, e.friendly_name, e.prov_name,"           \
	" e.container, e.pkcs11_uri, e.reader_name, e.card_id, e.family,"      \
	" e.logon_eligible, e.created_at, e.updated_at, e.last_session,"       \
	" c.ski, e.description, e.enhkey_usage, e.archived, e.kept,"           \
	" EXISTS (SELECT 1 FROM claim m"                                       \
	" JOIN session s ON s.session_id = m.session_id"                       \
	" WHERE m.scope = 'user:' || e.owner AND m.sha256 = e.sha256"          \
	" AND m.kind = e.store AND m.present = 1 AND" LIVE "),"                \
	" e.prov_type, e.prov_flags, e.key_spec, e.enrollment,"                \
	" coalesce(e.date_stamp, e.updated_at),"                               \
	" e.reader_removable IS NOT NULL, e.reader_removable,"                 \
	" e.smart_card_data, e.card_serial, e.chuid, e.request_originator,"    \
	" e.cep, e.auto_enroll, e.policy, e.extra_properties,"                 \
	" e.pin_id IS NOT NULL, e.pin_id, e.pin_info"

#define CLAIM_COLUMNS                                                          \
	"SELECT m.scope, m.sha256, c.subject, c.not_after, m.session_id,"      \
	" s.user_key, s.client_name, s.client_addr, s.target, m.reader,"       \
	" m.reader_name, m.card_id, m.family, m.kind, m.ends_on,"              \
	" CASE WHEN" LIVE " THEN 1 ELSE 0 END, m.kept, m.present,"             \
	" m.created_at, coalesce(m.policy_generation, 0),"                     \
	" m.cleanup_at_insert IS NOT NULL, m.cleanup_at_insert"                \
	" FROM claim m JOIN cert c ON c.no = m.cert_no"                        \
	" JOIN session s ON s.session_id = m.session_id"
#define CLAIM_KEY   "m.scope, m.sha256, m.session_id, m.reader, m.card_id"
#define CLAIM_ORDER " ORDER BY " CLAIM_KEY
#define CLAIM_PAGE                                                             \
	" WHERE (" CLAIM_KEY ") > (?1, ?2, ?3, ?4, ?5)"                        \
	" AND (" CLAIM_KEY ") <= (?6, ?7, ?8, ?9, ?10)"

// clang-format off
const char *const statement_texts[STATEMENTS] = {
    [STATEMENT_PROXY_FIND] = "SELECT proxy_id FROM proxy LIMIT 1",
    [STATEMENT_PROXY_ADD] =
	"INSERT INTO proxy (proxy_id, epoch, host, started_at, version)"
	" VALUES (?1, 0, ?2, ?3, ?4)",
    [STATEMENT_PROXY_NEXT_EPOCH] =
	"UPDATE proxy SET epoch = epoch + 1, started_at = ?2, version = ?3"
	" WHERE proxy_id = ?1 RETURNING epoch",
    /* A row comes back when it is another gate than before. */
    [STATEMENT_PROXY_BOOT] =
	"UPDATE proxy SET boot_id = ?2 WHERE proxy_id = ?1"
	" AND boot_id IS DISTINCT FROM ?2 RETURNING 1",

    [STATEMENT_AUDIT] =
	"INSERT INTO audit (proxy_id, epoch, session_id, seq, at, event,"
	" sha256, detail) VALUES (?1, ?2, ?3, coalesce("
	"(SELECT a.seq FROM audit a WHERE a.proxy_id = ?1 AND a.epoch = ?2"
	" AND a.session_id = ?3 ORDER BY a.seq DESC LIMIT 1), 0) + 1,"
	" ?4, ?5, ?6, ?7)",

    [STATEMENT_SESSION_FIND] = "SELECT 1 FROM session WHERE session_id = ?1",
    [STATEMENT_SESSION_START] =
	"INSERT INTO session (session_id, proxy_id, epoch, target,"
	" client_name, client_addr, started_at, connection)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
	" ON CONFLICT (session_id) DO UPDATE SET"
	" proxy_id = excluded.proxy_id, epoch = excluded.epoch,"
	" target = coalesce(excluded.target, session.target),"
	" client_name ="
	" coalesce(excluded.client_name, session.client_name),"
	" client_addr ="
	" coalesce(excluded.client_addr, session.client_addr),"
	" connection = excluded.connection, detached_at = NULL,"
	" grace_until = NULL, expires_at = NULL,"
	" ended_at = NULL, end_reason = NULL, end_kind = NULL",
    [STATEMENT_SESSION_STATE] =
	"UPDATE session SET user_key = ?2, identity_source = ?3,"
	" policy = ?4, host_session = coalesce(?5, host_session),"
	" purpose = ?6 WHERE session_id = ?1 AND"
	" (user_key IS DISTINCT FROM ?2"
	" OR identity_source IS DISTINCT FROM ?3"
	" OR policy IS DISTINCT FROM ?4"
	" OR host_session IS DISTINCT FROM coalesce(?5, host_session)"
	" OR purpose <> ?6)",
    [STATEMENT_SESSION_DETACH] =
	"UPDATE session SET connection = NULL, detached_at = ?3,"
	" grace_until = ?4, expires_at = ?5 WHERE session_id = ?1"
	" AND connection = ?2 AND ended_at IS NULL RETURNING 1",
    [STATEMENT_SESSION_RELEASED] =
	"UPDATE session SET grace_until = NULL WHERE session_id = ?1"
	" AND grace_until IS NOT NULL",
    [STATEMENT_SESSION_END] =
	"UPDATE session SET ended_at = ?2, end_reason = ?3, end_kind = ?4,"
	" connection = NULL WHERE session_id = ?1 AND ended_at IS NULL",
    [STATEMENT_SESSION_FORGET] =
	"DELETE FROM session WHERE session_id = ?1 AND user_key IS NULL"
	" AND NOT EXISTS"
	" (SELECT 1 FROM claim c WHERE c.session_id = session.session_id)",
    [STATEMENT_SESSION_STALE] =
	"SELECT session_id FROM session WHERE ended_at IS NULL"
	" AND epoch < ?2 AND proxy_id = ?1 LIMIT 1",
    [STATEMENT_SESSION_ADOPT] =
	"UPDATE session SET epoch = ?2 WHERE ended_at IS NULL"
	" AND epoch < ?2 AND proxy_id = ?1 AND detached_at IS NOT NULL",

    [STATEMENT_CERT_ADD] =
	"INSERT INTO cert (sha256, sha1, der, subject, issuer, serial,"
	" not_before, not_after, ski, aki, key_alg, key_bits,"
	" subject_hash, is_ca, self_issued, upn, email, first_seen)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
	" ?13, ?14, ?15, ?16, ?17, ?18)"
	" ON CONFLICT (sha256) DO NOTHING",
    [STATEMENT_CERT_NO] = "SELECT no FROM cert WHERE sha256 = ?1",

    [STATEMENT_ENTRY_FIND] = "SELECT cert_no FROM entry WHERE store = ?1"
			     " AND owner = ?2 AND sha256 = ?3",
    /* The stores of a user are limited together. */
    [STATEMENT_ENTRY_TOTALS] =
	"SELECT count(*), coalesce(sum(length(c.der)), 0) FROM entry e"
	" JOIN cert c ON c.no = e.cert_no WHERE e.owner = ?1"
	" AND e.store IN (?2, ?3)",

    /* No row comes back when there was nothing to write. */
    [STATEMENT_ENTRY_PUT] =
	"INSERT INTO entry (store, owner, sha256, friendly_name,"
	" " BINDING ", reader_name, card_id, family, enrollment,"
	" logon_eligible, created_at, updated_at, date_stamp,"
	" last_session, revision, kept, policy, cert_no)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
	" ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?22, ?22, ?23, 1,"
	" ?24, ?25, ?26)"
	" ON CONFLICT (store, owner, sha256) DO UPDATE SET "
	KEEP("friendly_name") KEEP("enrollment")
	TAKE("prov_name") TAKE("prov_type") TAKE("prov_flags")
	TAKE("key_spec") TAKE("container") TAKE("pkcs11_uri")
	TAKE("smart_card_data") TAKE("pin_id") TAKE("pin_info")
	TAKE("card_serial") TAKE("chuid") TAKE("reader_removable")
	TAKE("reader_name") TAKE("card_id") TAKE("family") TAKE("policy")
	"logon_eligible = excluded.logon_eligible,"
	" kept = CASE WHEN excluded.kept > entry.kept THEN 1"
	" ELSE entry.kept END,"
	/* 2, ENGINE_ARCHIVED_STALE: the card has it again */
	" archived = CASE WHEN entry.archived = 2 THEN 0"
	" ELSE entry.archived END,"
	" updated_at = excluded.updated_at,"
	" date_stamp = excluded.date_stamp,"
	" last_session = excluded.last_session,"
	" revision = entry.revision + 1 WHERE "
	FILLS("friendly_name") FILLS("enrollment")
	CHANGES("prov_name") CHANGES("prov_type") CHANGES("prov_flags")
	CHANGES("key_spec") CHANGES("container") CHANGES("pkcs11_uri")
	CHANGES("smart_card_data") CHANGES("pin_id") CHANGES("pin_info")
	CHANGES("card_serial") CHANGES("chuid") CHANGES("reader_removable")
	CHANGES("reader_name") CHANGES("card_id") CHANGES("family")
	CHANGES("policy")
	"excluded.logon_eligible <> entry.logon_eligible"
	" OR excluded.kept > entry.kept OR entry.archived = 2"
	" RETURNING revision",
    /* Of another card than before all counts: no key is looked for there. */
    [STATEMENT_ENTRY_OTHER_CARD] =
	"UPDATE entry SET prov_name = NULL, prov_type = NULL,"
	" prov_flags = NULL, key_spec = NULL, container = NULL,"
	" pkcs11_uri = NULL, smart_card_data = NULL, pin_id = NULL,"
	" pin_info = NULL, card_serial = NULL, chuid = NULL,"
	" reader_removable = NULL, family = NULL WHERE store = ?1 AND owner = ?2"
	" AND sha256 = ?3 AND card_id <> ?4",
    /* The key is looked for on the card that was inserted last. */
    [STATEMENT_ENTRY_REBIND] =
	"UPDATE entry SET (" BINDING ", reader_name, card_id, family) = "
	LAST(BINDING ", reader_name, " KNOWN_CARD ", family")
	", updated_at = ?3, date_stamp = ?3, revision = revision + 1"
	" WHERE store IN (1, 2) AND owner = ?1 AND EXISTS "
	LAST("1") " AND ("
	LAST(KNOWN_CARD) " IS DISTINCT FROM card_id OR "
	LAST("reader_name") " IS DISTINCT FROM reader_name OR "
	LAST("container") " IS DISTINCT FROM container)",
    [STATEMENT_ENTRY_ARCHIVE] =
	"UPDATE entry SET archived = 2, updated_at = ?4,"
	" revision = revision + 1 WHERE store IN (1, 2) AND owner = ?1"
	" AND kept = 1 AND archived = 0 AND card_id = ?3"
	" AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.scope = ?2"
	" AND c.sha256 = entry.sha256 AND c.kind = entry.store"
	" AND (c.card_id <> ?3 OR c.present = 1)) RETURNING sha256",
    [STATEMENT_ENTRY_DROP_ROOTS] =
	"DELETE FROM entry WHERE store = 3 AND owner = ?1"
	" AND NOT EXISTS (SELECT 1 FROM claim c"
	" WHERE c.scope = ?1 AND c.sha256 = entry.sha256)"
	" RETURNING sha256",
    [STATEMENT_ENTRY_DROP_USER] =
	"DELETE FROM entry WHERE store IN (1, 2) AND owner = ?1"
	" AND kept = 0 AND NOT EXISTS (SELECT 1 FROM claim c"
	" WHERE c.scope = ?2 AND c.sha256 = entry.sha256"
	" AND c.kind = entry.store) RETURNING sha256",

    [STATEMENT_ENTRY_DROP_MOVED] =
	"DELETE FROM entry WHERE store = ?1 AND owner = ?2 AND sha256 = ?3"
	" AND kept = 0 AND NOT EXISTS (SELECT 1 FROM claim c"
	" WHERE c.scope = ?4 AND c.sha256 = ?3 AND c.kind = ?1)"
	" RETURNING sha256",

    /* A row comes back when the card was inserted, as far as we know. */
    [STATEMENT_CLAIM_PUT] =
	"INSERT INTO claim (scope, sha256, session_id, reader, card_id,"
	" reader_name, family, proxy_id, epoch, kind, ends_on,"
	" cleanup_at_insert, created_at, connection, present, inserted,"
	" policy_generation, " BINDING ", cert_no)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12,"
	" ?13, 1, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24,"
	" ?25, ?26, ?27, ?28)"
	" ON CONFLICT (scope, sha256, session_id, reader, card_id)"
	" DO UPDATE SET epoch = excluded.epoch, kind = excluded.kind,"
	" ends_on = excluded.ends_on, kept = 0, present = 1,"
	" inserted = CASE WHEN claim.present = 1"
	" AND claim.connection = excluded.connection"
	" THEN claim.inserted ELSE excluded.inserted END,"
	/* of the insertion: asserting it again changes nothing of that */
	FIRST("policy_generation") FIRST("cleanup_at_insert")
	REBINDS("prov_name") REBINDS("prov_type") REBINDS("prov_flags")
	REBINDS("key_spec") REBINDS("container") REBINDS("pkcs11_uri")
	REBINDS("smart_card_data") REBINDS("pin_id") REBINDS("pin_info")
	REBINDS("card_serial") REBINDS("chuid") REBINDS("reader_removable")
	REBINDS("reader_name") REBINDS("family")
	" connection = excluded.connection"
	" WHERE claim.epoch <> excluded.epoch"
	" OR claim.kind <> excluded.kind"
	" OR claim.ends_on <> excluded.ends_on OR claim.kept <> 0"
	" OR claim.present = 0 OR claim.connection <> excluded.connection"
	MOVED("prov_name") MOVED("prov_type") MOVED("prov_flags")
	MOVED("key_spec") MOVED("container") MOVED("pkcs11_uri")
	MOVED("smart_card_data") MOVED("pin_id") MOVED("pin_info")
	MOVED("card_serial") MOVED("chuid") MOVED("reader_removable")
	MOVED("reader_name") MOVED("family")
	" RETURNING inserted = ?14",
    /* The card was in other readers before: one claim of it is enough. */
    [STATEMENT_CLAIM_REPLACE] =
	"DELETE FROM claim WHERE scope = ?1 AND sha256 = ?2"
	" AND session_id = ?3 AND card_id = ?5 AND reader <> ?4"
	" AND present = 0",
    [STATEMENT_CLAIM_IS_LAST] =
	"SELECT NOT EXISTS (SELECT 1 FROM claim o WHERE o.scope = ?1"
	" AND o.sha256 = ?2 AND o.present = 1 AND o.inserted >"
	" (SELECT m.inserted FROM claim m WHERE m.scope = ?1"
	" AND m.sha256 = ?2 AND m.session_id = ?3 AND m.reader = ?4"
	" AND m.card_id = ?5))",
    /* Also what it held in other readers, before. */
    [STATEMENT_CLAIM_OF_CARD] =
	"SELECT sha256, kind, reader, ends_on, present,"
	" CASE WHEN scope = 'host' THEN 1 ELSE 0 END FROM claim"
	" WHERE session_id = ?1 AND card_id = ?3"
	" AND (reader = ?2 OR (present = 0 AND ?4 = 1))",
    [STATEMENT_CLAIM_DROP] =
	"DELETE FROM claim WHERE session_id = ?1 AND reader = ?2"
	" AND card_id = ?3 AND sha256 = ?4 AND kind = ?5"
	" AND CASE WHEN scope = 'host' THEN 1 ELSE 0 END = ?6" WHOSE,
    [STATEMENT_CLAIM_ABSENT] =
	"UPDATE claim SET present = 0 WHERE session_id = ?1 AND reader = ?2"
	" AND card_id = ?3 AND sha256 = ?4 AND kind = ?5"
	" AND CASE WHEN scope = 'host' THEN 1 ELSE 0 END = ?6"
	" AND present = 1" WHOSE,
    /*
     * Only what a card's removal ends: a claim until log-off may be of a
     * card that was withdrawn before, and nobody asserts that one again.
     */
    [STATEMENT_CLAIM_DROP_OLDER] =
	"DELETE FROM claim WHERE session_id = ?1"
	" AND (epoch <> ?2 OR connection <> ?3) AND ends_on = 1" WHOSE,
    [STATEMENT_CLAIM_DROP_ENDING] =
	"DELETE FROM claim WHERE session_id = ?1 AND ends_on = 1" WHOSE,
    /* The user's own (kinds 1, 2) need none to stay. */
    [STATEMENT_CLAIM_DROP_SESSION] =
	"DELETE FROM claim WHERE session_id = ?1"
	" AND (ends_on <> 0 OR kind < 3)" WHOSE,
    [STATEMENT_CLAIM_ABSENT_CARD] =
	"UPDATE claim SET present = 0 WHERE session_id = ?1 AND reader = ?2"
	" AND card_id = ?3 AND present = 1" WHOSE,
    [STATEMENT_CLAIM_ABSENT_OLDER] =
	"UPDATE claim SET present = 0 WHERE session_id = ?1"
	" AND (epoch <> ?2 OR connection <> ?3) AND present = 1" WHOSE,
    [STATEMENT_CLAIM_ABSENT_ALL] =
	"UPDATE claim SET present = 0 WHERE session_id = ?1"
	" AND present = 1" WHOSE,
    [STATEMENT_CLAIM_KEEP] =
	"UPDATE claim SET kept = 1, present = 0 WHERE session_id = ?1"
	" AND kept = 0" WHOSE,

    /* What a policy says now: engine_rules.c.  Kinds 1, 2 are the user's. */
    [STATEMENT_RULES_MOVE] =
	"UPDATE claim SET ends_on = CASE WHEN kind < 3 THEN ?3 ELSE ?2 END"
	" WHERE session_id = ?1 AND kept = 0 AND ends_on <>"
	" CASE WHEN kind < 3 THEN ?3 ELSE ?2 END",
    [STATEMENT_RULES_KEEP] =
	"UPDATE entry SET kept = 1, revision = revision + 1"
	" WHERE store IN (1, 2) AND owner = ?2 AND kept = 0 AND EXISTS"
	" (SELECT 1 FROM claim c WHERE c.session_id = ?1"
	" AND c.scope = 'user:' || ?2 AND c.sha256 = entry.sha256"
	" AND c.kind = entry.store)",
    [STATEMENT_RULES_ABSENT] =
	"DELETE FROM claim WHERE session_id = ?1 AND ends_on = 1"
	" AND ((connection = ?2 AND present = 0)"
	" OR (?3 = 1 AND (connection <> ?2 OR present = 0)))" WHOSE,
    [STATEMENT_RULES_ROOTS] =
	"DELETE FROM claim WHERE session_id = ?1 AND kind >= 3"
	" AND ends_on <> 0 AND kept = 0" WHOSE,
    /* Whose card it is, its own certificates of the user say, if anything. */
    [STATEMENT_RULES_MATCH] =
	"DELETE FROM claim WHERE session_id = ?1 AND kept = 0"
	" AND (kind >= 3 OR ?6 = 1)"
	" AND (connection <> ?2 OR present = 0)"
	" AND (card_id = X'00000000000000000000000000000000' OR NOT EXISTS"
	" (SELECT 1 FROM claim u JOIN cert c ON c.no = u.cert_no"
	" WHERE u.session_id = ?1 AND u.card_id = claim.card_id AND u.kind = 1"
	" AND ((?4 = 1 AND lower(c.upn) = lower(?3))"
	" OR (?5 = 1 AND lower(c.email) = lower(?3)))))" WHOSE,
    [STATEMENT_RULES_ANCHORS] =
	"SELECT DISTINCT sha256, CASE WHEN scope = 'host' THEN 1 ELSE 0 END"
	" AS host FROM claim WHERE session_id = ?1 AND kind = 3 AND kept = 0"
	" AND sha256 >= ?2 ORDER BY sha256, host LIMIT ?3",
    [STATEMENT_RULES_DROP] =
	"DELETE FROM claim WHERE session_id = ?1 AND sha256 = ?2 AND kind = 3"
	" AND kept = 0 AND CASE WHEN scope = 'host' THEN 1 ELSE 0 END = ?3"
	WHOSE,

    /* Two log-ons turn out to be one: ?1 is of ?2 from now on. */
    [STATEMENT_CLAIM_YIELD] =
	"DELETE FROM claim WHERE session_id = ?2 AND EXISTS"
	" (SELECT 1 FROM claim n WHERE n.session_id = ?1"
	" AND n.sha256 = claim.sha256 AND n.reader = claim.reader"
	" AND n.card_id = claim.card_id AND claim.scope ="
	" CASE WHEN n.scope = 'session:' || ?1 THEN 'session:' || ?2"
	" ELSE n.scope END)",
    [STATEMENT_CLAIM_MOVE] =
	"UPDATE claim SET session_id = ?2, scope ="
	" CASE WHEN scope = 'session:' || ?1 THEN 'session:' || ?2"
	" ELSE scope END WHERE session_id = ?1",
    [STATEMENT_ENTRY_YIELD] =
	"DELETE FROM entry WHERE store = 3 AND owner = 'session:' || ?1"
	" AND EXISTS (SELECT 1 FROM entry n WHERE n.store = 3"
	" AND n.owner = 'session:' || ?2 AND n.sha256 = entry.sha256)",
    [STATEMENT_ENTRY_MOVE] =
	"UPDATE entry SET owner = 'session:' || ?2"
	" WHERE store = 3 AND owner = 'session:' || ?1",

    [STATEMENT_SWEEP_SLICE] =
	"SELECT max(w.sha256), count(*) FROM (SELECT sha256 FROM cert"
	" WHERE sha256 > ?1 ORDER BY sha256 LIMIT ?2) w",
    [STATEMENT_SWEEP_CERTS] =
	"DELETE FROM cert WHERE sha256 > ?1 AND sha256 <= ?2 AND"
	" NOT EXISTS (SELECT 1 FROM entry e WHERE e.cert_no = cert.no)"
	" AND NOT EXISTS"
	" (SELECT 1 FROM claim c WHERE c.cert_no = cert.no)"
	" AND NOT EXISTS"
	" (SELECT 1 FROM root_pin r WHERE r.sha256 = cert.sha256)",
    [STATEMENT_SWEEP_SESSIONS] =
	"DELETE FROM session WHERE session_id IN"
	" (SELECT s.session_id FROM session s WHERE s.ended_at < ?1"
	" AND NOT EXISTS (SELECT 1 FROM claim c"
	" WHERE c.session_id = s.session_id) LIMIT ?2)",
    [STATEMENT_SWEEP_AUDIT] =
	"DELETE FROM audit WHERE (proxy_id, epoch, session_id, seq) IN"
	" (SELECT a.proxy_id, a.epoch, a.session_id, a.seq FROM audit a"
	" WHERE a.at < ?1 LIMIT ?2)",

    /* The only definition of what is trusted in a scope. */
    [STATEMENT_PRESENCE] =
	"SELECT c.sha256, c.der, c.subject_hash, min(w.kind) FROM"
	" (SELECT r.sha256, 3 AS kind FROM root_pin r WHERE r.scope = ?1"
	/* in a log-on (?1 is "session:<id>") also what is pinned for all
	   log-ons and for those of its user */
	" OR r.scope = 'host' OR r.scope = (SELECT 'user:' || p.user_key"
	" FROM session p WHERE p.session_id = substr(?1, 9))"
	" UNION"
	" SELECT m.sha256, m.kind FROM claim m"
	" JOIN session s ON s.session_id = m.session_id"
	/* kinds 3 and 4; of 5, KEEP_PREEXISTING, nothing of ours to show */
	" WHERE m.scope = ?1 AND m.kind IN (3, 4) AND" LIVE ") w"
	" JOIN cert c ON c.sha256 = w.sha256"
	" GROUP BY c.sha256, c.der, c.subject_hash ORDER BY c.sha256",

    /* The next owner after ?1. */
    [STATEMENT_LIST_OWNER] =
	"SELECT min(o.owner) FROM (SELECT min(owner) AS owner FROM entry"
	" WHERE store = 1 AND owner > ?1 UNION ALL"
	" SELECT min(owner) FROM entry WHERE store = 2 AND owner > ?1) o",
    /* ?1 the owner, ?2 and ?3 the first and last hash. */
    [STATEMENT_LIST_ENTRIES_OWNER] =
	ENTRY_COLUMNS " FROM entry e JOIN cert c ON c.no = e.cert_no"
	" WHERE e.store IN (1, 2) AND e.owner = ?1"
	" AND e.sha256 BETWEEN ?2 AND ?3"
	" ORDER BY e.owner, e.store, e.sha256",
    /* After (?1, ?3, ?4), up to the hash ?2, by the index of hashes: in a
       cross join the certificates come first. */
    [STATEMENT_LIST_ENTRIES_HASH] =
	ENTRY_COLUMNS " FROM cert c CROSS JOIN entry e"
	" WHERE e.cert_no = c.no AND e.store <> 3"
	" AND c.sha256 BETWEEN ?1 AND ?2"
	" AND (c.sha256, e.owner, e.store) > (?1, ?3, ?4)"
	" ORDER BY c.sha256, e.owner, e.store LIMIT ?5",
    /* The key that ends a page of so many; none: it is the last page. */
    [STATEMENT_LIST_CLAIMS_END] =
	"SELECT " CLAIM_KEY " FROM claim m"
	" WHERE (" CLAIM_KEY ") > (?1, ?2, ?3, ?4, ?5) AND m.scope <= ?6"
	CLAIM_ORDER " LIMIT 1 OFFSET ?7",
    /* All of a page are looked at by their keys, never by their hashes. */
    [STATEMENT_LIST_CLAIMS] =
	CLAIM_COLUMNS CLAIM_PAGE
	" AND CASE WHEN m.sha256 BETWEEN ?11 AND ?12 THEN 1 ELSE 0 END = 1"
	CLAIM_ORDER,
    [STATEMENT_LIST_PINS] =
	"SELECT r.scope, r.sha256, c.subject, r.pinned_by, r.reason,"
	" r.pinned_at FROM root_pin r"
	" LEFT JOIN cert c ON c.sha256 = r.sha256"
	" WHERE (r.scope, r.sha256) > (?4, ?5)"
	" AND (?1 IS NULL OR r.scope = ?1) AND r.sha256 BETWEEN ?2 AND ?3"
	" ORDER BY r.scope, r.sha256 LIMIT ?6",
    [STATEMENT_CERT_READ] = "SELECT der FROM cert WHERE sha256 = ?1",
    [STATEMENT_LIST_SESSIONS] =
	"SELECT s.session_id, s.connection, s.user_key, s.identity_source,"
	" s.target, s.host_session, s.client_name, s.client_addr, s.policy,"
	" s.purpose, s.started_at, s.detached_at, s.grace_until,"
	" s.expires_at, CASE WHEN" LIVE " THEN 1 ELSE 0 END"
	" FROM session s WHERE s.ended_at IS NULL AND s.session_id > ?1"
	" ORDER BY s.session_id LIMIT ?2",
    [STATEMENT_STATS] =
	"SELECT (SELECT count(*) FROM cert),"
	" (SELECT count(*) FROM entry), (SELECT count(*) FROM claim),"
	" (SELECT count(*) FROM root_pin),"
	" (SELECT count(*) FROM session s WHERE" LIVE "),"
	" (SELECT count(*) FROM audit)",

    /* What an administrator asks for: engine_admin.c. */
    [STATEMENT_ADMIN_FIND] =
	"SELECT sha256 FROM cert WHERE sha256 >= ?1 AND sha256 <= ?2"
	" ORDER BY sha256 LIMIT 2",
    [STATEMENT_ADMIN_IS_CA] = "SELECT is_ca FROM cert WHERE sha256 = ?1",
    [STATEMENT_PIN_PUT] =
	"INSERT INTO root_pin (scope, sha256, pinned_by, reason, pinned_at)"
	" VALUES (?1, ?2, ?3, ?4, ?5)"
	" ON CONFLICT (scope, sha256) DO NOTHING",
    [STATEMENT_PIN_DROP] =
	"DELETE FROM root_pin WHERE sha256 = ?2"
	" AND (?1 IS NULL OR scope = ?1)",
    [STATEMENT_KEPT_FIND] =
	"SELECT " CLAIM_KEY " FROM claim m" CLAIM_PAGE " AND m.kept = 1"
	" AND CASE WHEN ?11 IS NULL OR m.sha256 = ?11 THEN 1 ELSE 0 END = 1"
	CLAIM_ORDER,
    [STATEMENT_KEPT_DROP] =
	"DELETE FROM claim WHERE scope = ?1 AND sha256 = ?2"
	" AND session_id = ?3 AND reader = ?4 AND card_id = ?5"
	" AND kept = 1",
    [STATEMENT_KEPT_DROP_ENTRY] =
	"DELETE FROM entry WHERE store = 3 AND owner = ?1 AND sha256 = ?2"
	" AND NOT EXISTS (SELECT 1 FROM claim c"
	" WHERE c.scope = ?1 AND c.sha256 = ?2)",
    [STATEMENT_CHANGE_FIND] =
	"SELECT store, owner, sha256, friendly_name, description, archived,"
	" enhkey_usage, extra_properties, request_originator, auto_enroll,"
	" cep FROM entry"
	" WHERE cert_no = (SELECT no FROM cert WHERE sha256 = ?1)"
	" AND store <> 3 AND (?2 IS NULL OR owner = ?2)",
    /* One owner's at a time: there is no index of SHA-1. */
    [STATEMENT_CHANGE_FIND_SHA1] =
	"SELECT e.store, e.owner, e.sha256, e.friendly_name, e.description,"
	" e.archived, e.enhkey_usage, e.extra_properties,"
	" e.request_originator, e.auto_enroll, e.cep FROM entry e"
	" JOIN cert c ON c.no = e.cert_no WHERE c.sha1 = ?1"
	" AND e.store IN (1, 2) AND e.owner = ?2",
    [STATEMENT_CHANGE_PUT] =
	"UPDATE entry SET friendly_name = ?4, description = ?5,"
	" archived = ?6, enhkey_usage = ?7, extra_properties = ?8,"
	" updated_at = ?9, request_originator = ?10, auto_enroll = ?11,"
	" cep = ?12, revision = revision + 1"
	" WHERE store = ?1 AND owner = ?2 AND sha256 = ?3",
    /* The newest rows first, so many of them after a key. */
    [STATEMENT_LIST_AUDIT] =
	"SELECT a.at, a.epoch, a.seq, a.session_id, a.event, s.user_key,"
	" a.sha256, a.detail FROM (SELECT * FROM audit WHERE at >= ?1"
	" AND (at, epoch, seq, session_id) < (?2, ?3, ?4, ?5)"
	" ORDER BY at DESC, epoch DESC, seq DESC, session_id DESC"
	" LIMIT ?6) a LEFT JOIN session s ON s.session_id = a.session_id"
	" ORDER BY a.at DESC, a.epoch DESC, a.seq DESC, a.session_id DESC",

    /* Owners that are accounts of the host: engine_account.c. */
    [STATEMENT_ACCOUNT_FIND] = "SELECT uid FROM account WHERE owner = ?1",
    [STATEMENT_ACCOUNT_PUT] =
	"INSERT INTO account (owner, uid, known_at) VALUES (?1, ?2, ?3)"
	" ON CONFLICT (owner) DO UPDATE SET uid = excluded.uid,"
	" known_at = excluded.known_at, missing_at = NULL"
	" WHERE account.uid <> excluded.uid"
	" OR account.missing_at IS NOT NULL",
    [STATEMENT_ACCOUNT_MISSING] =
	"UPDATE account SET missing_at = ?3 WHERE owner = ?1 AND uid = ?2"
	" AND missing_at IS NULL",
    [STATEMENT_ACCOUNT_SINCE] =
	"SELECT missing_at FROM account WHERE owner = ?1 AND uid = ?2",
    [STATEMENT_ACCOUNT_THERE] =
	"UPDATE account SET missing_at = NULL WHERE owner = ?1"
	" AND missing_at IS NOT NULL",
    [STATEMENT_ACCOUNT_DROP] = "DELETE FROM account WHERE owner = ?1",
    [STATEMENT_LIST_ACCOUNTS] =
	"SELECT owner, uid FROM account WHERE owner > coalesce(?1, '')"
	" ORDER BY owner LIMIT ?2",
    [STATEMENT_OWNER_HOLDER] =
	"SELECT s.session_id FROM session s WHERE s.user_key = ?1"
	" AND s.session_id <> ?2 AND EXISTS"
	" (SELECT 1 FROM claim c WHERE c.session_id = s.session_id) LIMIT 1",
    [STATEMENT_OWNER_CLAIMS] =
	"DELETE FROM claim WHERE session_id = ?1" WHOSE,
    /* None is left but those that a log-on was excepted for. */
    [STATEMENT_OWNER_ENTRIES] =
	"DELETE FROM entry WHERE store IN (1, 2) AND owner = ?1"
	" AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.scope = ?2"
	" AND c.sha256 = entry.sha256 AND c.kind = entry.store)"
	" RETURNING sha256",

    [STATEMENT_CENSUS_SMALL] =
	"SELECT (SELECT page_size FROM pragma_page_size),"
	" (SELECT page_count FROM pragma_page_count),"
	" (SELECT freelist_count FROM pragma_freelist_count),"
	" (SELECT count(*) FROM root_pin),"
	" (SELECT count(*) FROM session s WHERE" LIVE "),"
	" (SELECT coalesce(max(no), 0) FROM cert)",
    [STATEMENT_CENSUS_CERTS] =
	"SELECT count(*) FROM cert WHERE sha256 >= ?1 AND sha256 <= ?2",
    [STATEMENT_CENSUS_ENTRIES] =
	"SELECT count(*) FROM entry WHERE cert_no >= ?1 AND cert_no <= ?2",
    [STATEMENT_CENSUS_CLAIMS] =
	"SELECT count(*) FROM claim WHERE cert_no >= ?1 AND cert_no <= ?2",
    [STATEMENT_CENSUS_AUDIT_END] =
	"SELECT at, epoch, seq, session_id FROM audit"
	" WHERE (at, epoch, seq, session_id) > (?1, ?2, ?3, ?4)"
	" ORDER BY at, epoch, seq, session_id LIMIT 1 OFFSET ?5",
    [STATEMENT_CENSUS_AUDIT] =
	"SELECT count(*) FROM audit"
	" WHERE (at, epoch, seq, session_id) > (?1, ?2, ?3, ?4)",
};
// clang-format on
