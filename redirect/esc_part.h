/*
 * What the calls and returns of esc.h are made of: ids, names, counted bytes,
 * ATRs.  Each has two halves, as NDR writes it: what stands in the struct (a
 * count and a pointer, esc_part_ref) and what is deferred behind it.
 */
#ifndef REDIRECT_ESC_PART_H
#define REDIRECT_ESC_PART_H

#include "esc.h"

/* A count and a pointer to that many bytes. */
struct esc_part_ref {
	const char *field; /* its name, for both halves */
	uint32_t len;
	bool present;
};

struct esc_part_ref esc_part_ref(struct ndr_in *in, const char *field,
                                 uint32_t max);

/* The deferred halves. */
void esc_part_id(struct ndr_in *in, struct esc_part_ref ref, struct esc_id *id);
void esc_part_bytes(struct ndr_in *in, struct esc_part_ref ref,
                    struct esc_bytes *bytes);
/* What is above ESC_NAMES_MAX, or too long to be a name, is counted only. */
void esc_part_names(struct ndr_in *in, enum esc_form form,
                    struct esc_part_ref ref, struct esc_names *names);
/* A name that is not present has no deferred half and becomes "". */
void esc_part_name(struct ndr_in *in, const char *field, enum esc_form form,
                   bool present, struct esc_name *name);

/* A multistring left as it is; each of its texts is a name. */
void esc_part_text(struct ndr_in *in, enum esc_form form,
                   struct esc_part_ref ref, struct esc_bytes *text);

/* ESC_STATES_MAX reader states and their names; returns how many there are. */
uint32_t esc_part_states(struct ndr_in *in, enum esc_form form,
                         struct esc_part_ref ref,
                         struct esc_reader_state *states);

/* Without a count, as what a pointer to one of them points at. */
void esc_part_uuid(struct ndr_in *in, struct esc_uuid *uuid);

/* len of the bytes of a fixed array are an ATR. */
void esc_part_atr(struct ndr_in *in, uint32_t len, struct wire_view array,
                  struct esc_atr *atr);

/* SCardIO_Request where it stands; its extra bytes are deferred. */
struct esc_part_ref esc_part_pci(struct ndr_in *in, struct esc_pci *pci);

/* A handle where it stands: two references, and later two ids. */
struct esc_part_handle {
	struct esc_part_ref context;
	struct esc_part_ref card;
};

struct esc_part_handle esc_part_handle_ref(struct ndr_in *in);
void esc_part_handle(struct ndr_in *in, struct esc_part_handle ref,
                     struct esc_handle *handle);

void esc_part_put_id_ref(struct ndr_out *out, const struct esc_id *id);
void esc_part_put_id(struct ndr_out *out, const struct esc_id *id);
void esc_part_put_handle_ref(struct ndr_out *out,
                             const struct esc_handle *handle);
void esc_part_put_handle(struct ndr_out *out, const struct esc_handle *handle);
void esc_part_put_bytes_ref(struct ndr_out *out, const struct esc_bytes *bytes,
                            size_t max);
void esc_part_put_bytes(struct ndr_out *out, const struct esc_bytes *bytes);
void esc_part_put_names_ref(struct ndr_out *out, enum esc_form form,
                            const struct esc_names *names);
void esc_part_put_names(struct ndr_out *out, enum esc_form form,
                        const struct esc_names *names);
void esc_part_put_name(struct ndr_out *out, enum esc_form form,
                       const struct esc_name *name);
void esc_part_put_states_ref(struct ndr_out *out, uint32_t count);
void esc_part_put_states(struct ndr_out *out, enum esc_form form,
                         const struct esc_reader_state *states, uint32_t count);
void esc_part_put_uuid(struct ndr_out *out, const struct esc_uuid *uuid);
/* The fixed array of size bytes. */
void esc_part_put_atr(struct ndr_out *out, const struct esc_atr *atr,
                      size_t size);
void esc_part_put_pci(struct ndr_out *out, const struct esc_pci *pci);

#endif
