/*
 * Smart card calls and returns, [MS-RDPESC] 2.2.2 and 2.2.3: structs, and for
 * each shape a decoder and an encoder of both halves.  Calls of one shape share
 * a codec; the A and W forms share a struct, in which text is UTF-8.
 *
 * Contexts and handles are opaque bytes, copied.  Bodies (what an APDU carries)
 * are views borrowed from the message.  It keeps no state and allocates
 * nothing. The headers of [MS-RPCE] 2.2.6 are ioctl.c's; use these through its
 * rows.
 */
#ifndef REDIRECT_ESC_H
#define REDIRECT_ESC_H

#include "ndr.h"

enum {
	ESC_ID_MAX = 16, /* bytes of a context or a handle */
	ESC_ATR_MAX = 36,
	ESC_STATUS_ATR_LEN = 32, /* the fixed array of Status_Return */
	ESC_EXTRA_MAX = 1024,    /* after an SCARD_IO_REQUEST */
	ESC_BUFFER_MAX = 66560,  /* an APDU and its answer */
	ESC_TEXT_MAX = 65536,    /* bytes of a multistring */
	ESC_DATA_MAX = 65536,    /* bytes of an attribute or a cache entry */
	ESC_NAME_MAX = 128,      /* characters (UTF-16 units) of a name */
	ESC_NAME_SIZE = ESC_NAME_MAX * 3 + 1, /* the same in UTF-8, with NUL */
	ESC_NAMES_MAX = 16,   /* readers, or groups, in one list */
	ESC_STATES_MAX = 64,  /* reader states in one call or return */
	ESC_MASKS_MAX = 1000, /* ATRs to look for in one call */
	ESC_MASK_LEN = 4 + 2 * ESC_ATR_MAX, /* one of them on the wire */
	ESC_UUID_LEN = 16
};

/* Timeout and size that mean "for ever" and "choose for me". */
#define ESC_INFINITE     UINT32_C(0xFFFFFFFF)
#define ESC_AUTOALLOCATE UINT32_C(0xFFFFFFFF)

/* The pseudo reader of GetStatusChange that tells of readers coming. */
#define ESC_PNP_READER "\\\\?PnP?\\Notification"

enum esc_scope { ESC_SCOPE_USER, ESC_SCOPE_TERMINAL, ESC_SCOPE_SYSTEM };
enum esc_share { ESC_SHARE_EXCLUSIVE = 1, ESC_SHARE_SHARED, ESC_SHARE_DIRECT };
enum esc_disposition {
	ESC_LEAVE_CARD,
	ESC_RESET_CARD,
	ESC_UNPOWER_CARD,
	ESC_EJECT_CARD
};
enum esc_protocol {
	ESC_PROTOCOL_NONE = 0,
	ESC_PROTOCOL_T0 = 1,
	ESC_PROTOCOL_T1 = 2,
	ESC_PROTOCOL_TX = 3,
	ESC_PROTOCOL_RAW = 0x10000
};

/* Reader states, [MS-RDPESC] 2.2.1.7; the high half is a counter. */
enum {
	ESC_STATE_UNAWARE = 0,
	ESC_STATE_IGNORE = 0x1,
	ESC_STATE_CHANGED = 0x2,
	ESC_STATE_UNKNOWN = 0x4,
	ESC_STATE_UNAVAILABLE = 0x8,
	ESC_STATE_EMPTY = 0x10,
	ESC_STATE_PRESENT = 0x20,
	ESC_STATE_ATRMATCH = 0x40,
	ESC_STATE_EXCLUSIVE = 0x80,
	ESC_STATE_INUSE = 0x100,
	ESC_STATE_MUTE = 0x200,
	ESC_STATE_UNPOWERED = 0x400
};

/* Return codes as they occur here, [MS-ERREF] 2.2. */
#define ESC_S_SUCCESS              UINT32_C(0)
#define ESC_F_INTERNAL_ERROR       UINT32_C(0x80100001)
#define ESC_E_CANCELLED            UINT32_C(0x80100002)
#define ESC_E_INVALID_HANDLE       UINT32_C(0x80100003)
#define ESC_E_INVALID_PARAMETER    UINT32_C(0x80100004)
#define ESC_E_NO_MEMORY            UINT32_C(0x80100006)
#define ESC_E_INSUFFICIENT_BUFFER  UINT32_C(0x80100008)
#define ESC_E_UNKNOWN_READER       UINT32_C(0x80100009)
#define ESC_E_TIMEOUT              UINT32_C(0x8010000A)
#define ESC_E_SHARING_VIOLATION    UINT32_C(0x8010000B)
#define ESC_E_NO_SMARTCARD         UINT32_C(0x8010000C)
#define ESC_E_PROTO_MISMATCH       UINT32_C(0x8010000F)
#define ESC_E_NOT_READY            UINT32_C(0x80100010)
#define ESC_E_INVALID_VALUE        UINT32_C(0x80100011)
#define ESC_E_SYSTEM_CANCELLED     UINT32_C(0x80100012)
#define ESC_E_NOT_TRANSACTED       UINT32_C(0x80100016)
#define ESC_E_READER_UNAVAILABLE   UINT32_C(0x80100017)
#define ESC_E_NO_SERVICE           UINT32_C(0x8010001D)
#define ESC_E_SERVICE_STOPPED      UINT32_C(0x8010001E)
#define ESC_E_UNSUPPORTED_FEATURE  UINT32_C(0x80100022)
#define ESC_E_NO_ACCESS            UINT32_C(0x80100027)
#define ESC_E_NO_READERS_AVAILABLE UINT32_C(0x8010002E)
#define ESC_E_COMM_DATA_LOST       UINT32_C(0x8010002F)
#define ESC_W_UNRESPONSIVE_CARD    UINT32_C(0x80100066)
#define ESC_W_UNPOWERED_CARD       UINT32_C(0x80100067)
#define ESC_W_RESET_CARD           UINT32_C(0x80100068)
#define ESC_W_REMOVED_CARD         UINT32_C(0x80100069)
#define ESC_W_SECURITY_VIOLATION   UINT32_C(0x8010006A)
#define ESC_W_CACHE_ITEM_NOT_FOUND UINT32_C(0x80100070)
#define ESC_W_CACHE_ITEM_TOO_BIG   UINT32_C(0x80100072)

/* How names travel in this call: the A or the W form. */
enum esc_form { ESC_ANSI, ESC_WIDE };

/* The opaque bytes of a context or a handle; len 0 is "none". */
struct esc_id {
	uint8_t bytes[ESC_ID_MAX];
	uint8_t len;
};

bool esc_id_equal(const struct esc_id *a, const struct esc_id *b);

/* A handle travels with the context it was made in. */
struct esc_handle {
	struct esc_id context;
	struct esc_id card;
};

/* One name, UTF-8 with NUL. */
struct esc_name {
	char text[ESC_NAME_SIZE];
	bool present; /* the pointer was not null */
};

/* A multistring.  Without one (a null pointer) only its size may be told. */
struct esc_names {
	struct esc_name list[ESC_NAMES_MAX];
	size_t count;
	size_t
	    ignored; /* of a return: more than fit, or longer than names are */
	bool present;
	uint32_t size; /* bytes as announced; encoders use it if !present */
};

/* Counted bytes that may be told without being sent, as for sizes asked. */
struct esc_bytes {
	struct wire_view view; /* borrowed */
	bool present;
	uint32_t size; /* as announced; encoders use it if !present */
};

struct esc_atr {
	uint8_t bytes[ESC_ATR_MAX];
	uint8_t len;
};

/* ReaderStateA/W of a call, 2.2.1.5 to 2.2.1.7. */
struct esc_reader_state {
	struct esc_name reader;
	uint32_t current;
	uint32_t event;
	struct esc_atr atr;
};

/* LocateCards_ATRMask, 2.2.1: an ATR and which of its bits count. */
struct esc_mask {
	struct esc_atr atr;
	uint8_t mask[ESC_ATR_MAX];
};

/* A list of them, as it travels: esc_masks_at reads one. */
struct esc_masks {
	struct wire_view view; /* borrowed */
	uint32_t count;
};

/* False when there is no such mask. */
bool esc_masks_at(const struct esc_masks *masks, uint32_t at,
                  struct esc_mask *mask);
/* Appends one to what will be the view of a list. */
void esc_mask_put(struct wire_out *out, const struct esc_mask *mask);

/* What a cache calls a card. */
struct esc_uuid {
	uint8_t bytes[ESC_UUID_LEN];
	bool present;
};

/* SCardIO_Request, 2.2.1.8. */
struct esc_pci {
	uint32_t protocol;
	struct esc_bytes extra;
};

/* One call, by its shape. */
struct esc_call {
	enum esc_form form; /* set by ioctl_call_decode from the row */
	bool aliased;       /* set by it: names of readers share a referent */
	union {
		/* EstablishContext */
		struct {
			uint32_t scope;
		} establish;

		/* ReleaseContext, IsValidContext, Cancel */
		struct {
			struct esc_id context;
		} context;

		/* ListReaders; ListReaderGroups (groups not present) */
		struct {
			struct esc_id context;
			struct esc_names groups;
			uint32_t names_null; /* the caller only asks the size */
			uint32_t chars;
		} list;

		/* GetStatusChange */
		struct {
			struct esc_id context;
			uint32_t timeout_ms;
			uint32_t count;
			struct esc_reader_state states[ESC_STATES_MAX];
		} watch;

		/* Connect */
		struct {
			struct esc_name reader;
			struct esc_id context;
			uint32_t share_mode;
			uint32_t protocols;
		} connect;

		/* Reconnect */
		struct {
			struct esc_handle handle;
			uint32_t share_mode;
			uint32_t protocols;
			uint32_t initialization;
		} reconnect;

		/* Disconnect, BeginTransaction, EndTransaction */
		struct {
			struct esc_handle handle;
			uint32_t disposition;
		} hcard;

		/* Status; State (no chars) */
		struct {
			struct esc_handle handle;
			uint32_t names_null; /* State: the ATR's buffer */
			uint32_t chars;
			uint32_t atr_len;
		} status;

		/* Transmit */
		struct {
			struct esc_handle handle;
			struct esc_pci send_pci;
			struct wire_view send;
			bool recv_pci_present;
			struct esc_pci recv_pci;
			uint32_t recv_null; /* only the size is asked */
			uint32_t recv_len;
		} transmit;

		/* Control */
		struct {
			struct esc_handle handle;
			uint32_t code;
			struct esc_bytes input;
			uint32_t output_null;
			uint32_t output_len;
		} control;

		/* GetAttrib */
		struct {
			struct esc_handle handle;
			uint32_t id;
			uint32_t data_null;
			uint32_t data_len;
		} attrib;

		/* SetAttrib */
		struct {
			struct esc_handle handle;
			uint32_t id;
			struct esc_bytes data;
		} set_attrib;

		/* GetTransmitCount */
		struct {
			struct esc_handle handle;
		} handle;

		/*
		 * GetReaderIcon, GetDeviceTypeId, ForgetReader;
		 * IntroduceReaderGroup, ForgetReaderGroup: the group's name
		 */
		struct {
			struct esc_id context;
			struct esc_name reader;
		} reader;

		/*
		 * IntroduceReader: its name and its device's name;
		 * AddReaderToGroup, RemoveReaderFromGroup: and the group's
		 */
		struct {
			struct esc_id context;
			struct esc_name reader;
			struct esc_name other;
		} pair;

		/* LocateCards (cards), LocateCardsByATR (masks) */
		struct {
			struct esc_id context;
			struct esc_bytes cards; /* a multistring of the form */
			struct esc_masks masks;
			uint32_t count;
			struct esc_reader_state states[ESC_STATES_MAX];
		} locate;

		/* ReadCache */
		struct {
			struct esc_name lookup;
			struct esc_id context;
			struct esc_uuid card;
			uint32_t freshness;
			uint32_t data_null; /* only the size is asked */
			uint32_t data_len;
		} read_cache;

		/* WriteCache */
		struct {
			struct esc_name lookup;
			struct esc_id context;
			struct esc_uuid card;
			uint32_t freshness;
			struct esc_bytes data;
		} write_cache;

		/* AccessStartedEvent, ReleaseStartedEvent: a bare number */
		struct {
			uint32_t value;
		} event;
	};
};

/* ReaderState_Return, 2.2.1.11. */
struct esc_event_state {
	uint32_t current;
	uint32_t event;
	struct esc_atr atr;
};

/* One return, by its shape.  All zero but code is the right refusal. */
struct esc_return {
	enum esc_form form; /* set by ioctl_return_decode from the row */
	uint32_t code;      /* ESC_S_, ESC_E_, ESC_W_ */
	union {
		/* EstablishContext */
		struct {
			struct esc_id context;
		} establish;

		/* ListReaders, ListReaderGroups */
		struct {
			struct esc_names names;
		} list;

		/* GetStatusChange, LocateCards; also filled on a timeout */
		struct {
			uint32_t count;
			struct esc_event_state states[ESC_STATES_MAX];
		} watch;

		/* Connect; a failed one has no ids */
		struct {
			struct esc_handle handle;
			uint32_t protocol;
		} connect;

		/* Reconnect: protocol.  GetTransmitCount, GetDeviceTypeId. */
		struct {
			uint32_t value;
		} number;

		/* Status */
		struct {
			struct esc_names names;
			uint32_t state; /* 0 to 6, not the bits of a watch */
			uint32_t protocol;
			struct esc_atr atr; /* at most 32 */
		} status;

		/* State */
		struct {
			uint32_t state;
			uint32_t protocol;
			struct esc_atr atr;
		} state;

		/* Transmit */
		struct {
			bool pci_present;
			struct esc_pci pci;
			struct esc_bytes recv;
		} transmit;

		/* Control, GetAttrib, ReadCache, GetReaderIcon */
		struct {
			struct esc_bytes data;
		} data;
	};
};

/*
 * A decoder reads the struct and its deferred parts; false on a fault, which
 * in->wire.fault names, and then nothing of *call is to be used.  call->form
 * says on entry which form the bytes have.
 */
typedef bool esc_call_decoder(struct ndr_in *in, struct esc_call *call);
typedef void esc_call_encoder(struct ndr_out *out, const struct esc_call *call);
typedef bool esc_return_decoder(struct ndr_in *in, struct esc_return *ret);
typedef void esc_return_encoder(struct ndr_out *out,
                                const struct esc_return *ret);

esc_call_decoder esc_establish_call_decode; /* 2.2.2.1 */
esc_call_encoder esc_establish_call_encode;
esc_call_decoder esc_context_call_decode; /* 2.2.2.2 */
esc_call_encoder esc_context_call_encode;
esc_call_decoder esc_groups_call_decode; /* 2.2.2.3 */
esc_call_encoder esc_groups_call_encode;
esc_call_decoder esc_list_call_decode; /* 2.2.2.4 */
esc_call_encoder esc_list_call_encode;
esc_call_decoder esc_watch_call_decode; /* 2.2.2.11, 2.2.2.12 */
esc_call_encoder esc_watch_call_encode;
esc_call_decoder esc_connect_call_decode; /* 2.2.2.13, 2.2.2.14 */
esc_call_encoder esc_connect_call_encode;
esc_call_decoder esc_reconnect_call_decode; /* 2.2.2.15 */
esc_call_encoder esc_reconnect_call_encode;
esc_call_decoder esc_hcard_call_decode; /* 2.2.2.16 */
esc_call_encoder esc_hcard_call_encode;
esc_call_decoder esc_state_call_decode; /* 2.2.2.17 */
esc_call_encoder esc_state_call_encode;
esc_call_decoder esc_status_call_decode; /* 2.2.2.18 */
esc_call_encoder esc_status_call_encode;
esc_call_decoder esc_transmit_call_decode; /* 2.2.2.19 */
esc_call_encoder esc_transmit_call_encode;
esc_call_decoder esc_control_call_decode; /* 2.2.2.20 */
esc_call_encoder esc_control_call_encode;
esc_call_decoder esc_attrib_call_decode; /* 2.2.2.21 */
esc_call_encoder esc_attrib_call_encode;
esc_call_decoder esc_set_attrib_call_decode; /* 2.2.2.22 */
esc_call_encoder esc_set_attrib_call_encode;
esc_call_decoder esc_handle_call_decode; /* 2.2.2.29 */
esc_call_encoder esc_handle_call_encode;
esc_call_decoder esc_reader_call_decode; /* 2.2.2.5, 2.2.2.31, 2.2.2.32 */
esc_call_encoder esc_reader_call_encode;
esc_call_decoder esc_pair_call_decode; /* 2.2.2.7, 2.2.2.8 */
esc_call_encoder esc_pair_call_encode;
esc_call_decoder esc_locate_call_decode; /* 2.2.2.9, 2.2.2.10 */
esc_call_encoder esc_locate_call_encode;
esc_call_decoder esc_locate_atr_call_decode; /* 2.2.2.23, 2.2.2.24 */
esc_call_encoder esc_locate_atr_call_encode;
esc_call_decoder esc_read_cache_call_decode; /* 2.2.2.25, 2.2.2.26 */
esc_call_encoder esc_read_cache_call_encode;
esc_call_decoder esc_write_cache_call_decode; /* 2.2.2.27, 2.2.2.28 */
esc_call_encoder esc_write_cache_call_encode;
esc_call_decoder esc_event_call_decode; /* 2.2.2.30 */
esc_call_encoder esc_event_call_encode;

esc_return_decoder esc_long_return_decode; /* 2.2.3.3 */
esc_return_encoder esc_long_return_encode;
esc_return_decoder esc_establish_return_decode; /* 2.2.3.2 */
esc_return_encoder esc_establish_return_encode;
esc_return_decoder esc_list_return_decode; /* 2.2.3.1, 2.2.3.4 */
esc_return_encoder esc_list_return_encode;
esc_return_decoder esc_watch_return_decode; /* 2.2.3.5, 2.2.3.6 */
esc_return_encoder esc_watch_return_encode;
esc_return_decoder esc_connect_return_decode; /* 2.2.3.8 */
esc_return_encoder esc_connect_return_encode;
esc_return_decoder esc_number_return_decode; /* 2.2.3.7, ... */
esc_return_encoder esc_number_return_encode;
esc_return_decoder esc_state_return_decode; /* 2.2.3.9 */
esc_return_encoder esc_state_return_encode;
esc_return_decoder esc_status_return_decode; /* 2.2.3.10 */
esc_return_encoder esc_status_return_encode;
esc_return_decoder esc_transmit_return_decode; /* 2.2.3.11 */
esc_return_encoder esc_transmit_return_encode;
esc_return_decoder esc_data_return_decode; /* 2.2.3.13 to 2.2.3.15 */
esc_return_encoder esc_data_return_encode;

#endif
