#include "gate_inside.h"

#include "apart.h"
#include "inforce.h"

static void on_policies(void *arg);

struct reading {
	const char *path;
	struct config_faults *faults;
	struct config *config;
	const struct gpo_set *before;
};

static void
read_config(void *arg)
{
	struct reading *r = arg;

	r->config = config_load(r->path, r->faults);
}

struct config *
gate_load_config(const char *path, struct config_faults *faults)
{
	struct reading r = {.path = path, .faults = faults};

	apart_run(read_config, &r);
	return r.config;
}

static void
read_policies(void *arg)
{
	const struct reading *r = arg;

	gpo_free(config_load_policies(r->config, r->before));
}

void
gate_publish(struct gate *g, enum gate_word word)
{
	const struct policy_list *list = &g->config->policies;
	uint8_t datagram[1 + sizeof(list->generation)];
	struct wire_out out = wire_out(datagram, sizeof(datagram));
	struct child *c;

	if (!inforce_write(g->config))
		log_note(LOG_WARNING, "policy",
		         "what is in force cannot be written down");
	wire_put_u8(&out, (uint8_t)word);
	wire_put_u32(&out, list->generation);
	TAILQ_FOREACH (c, &g->children, next) {
		if (c->link != NULL)
			link_send(c->link, wire_written(&out), -1);
	}
	gate_tell_rules(g);
}

const char *
gate_policies_unordered(const struct config *config)
{
	return gpo_unordered(config->gpos)
	           ? "policy_directory holds several group policy objects and no "
	             "gpo.order: all of them apply, by name, also those that are "
	             "linked nowhere"
	           : NULL;
}

static void
log_notes(const struct config *config)
{
	const struct gpo_set *set = config->gpos;
	const char *unordered = gate_policies_unordered(config);

	if (unordered != NULL)
		log_note(LOG_WARNING, "group-policy", unordered);
	for (size_t i = 0; set != NULL && i < set->note_count; i++)
		log_note(LOG_WARNING, "group-policy", set->notes[i]);
}

/* From here on changes are seen, also of directories that are new. */
static void
watch_policies(struct gate *g)
{
	const struct gpo_set *set = g->config->gpos;

	if (g->config->policy_directory == NULL) {
		gpowatch_free(g->watch);
		g->watch = NULL;
		return;
	}
	if (g->watch == NULL)
		g->watch = gpowatch_new(g->base, on_policies, g);
	if (g->watch == NULL ||
	    !gpowatch_look(g->watch, set == NULL ? NULL : set->dirs,
	                   set == NULL ? 0 : set->dir_count))
		log_note(LOG_WARNING, "group-policy",
		         "changes cannot be watched: SIGHUP reads them");
}

void
gate_load_policies(struct gate *g, const struct gpo_set *before)
{
	struct reading r = {.config = g->config, .before = before};

	apart_run(read_policies, &r);
	log_notes(g->config);
	watch_policies(g);
}

/* Something moved there; often enough it is of no interest to us. */
static void
on_policies(void *arg)
{
	struct gate *g = arg;
	struct config *config = g->config;
	struct gpo_set *now, *before;

	if (g->state != GATE_SERVING || config->policy_directory == NULL)
		return;
	now = gpo_load(config->policy_directory, config->gpos);
	if (now == NULL)
		return;
	before = config_set_policies(config, now);
	watch_policies(g);
	if (!gpo_same(before, now)) {
		log_notes(config);
		config->policies.generation++;
		log_note(LOG_NOTICE, "group-policy", "read again");
		gate_publish(g, GATE_POLICY);
	}
	gpo_free(before);
}
