/*
 * cardproxyd: the command line, the configuration, then the gate.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "confine.h"
#include "gate.h"
#include "gpo.h"

#define DEFAULT_CONFIG "/etc/cardproxy/cardproxyd.conf"

enum { EXIT_USAGE = 2 };

static const char usage[] =
    "usage: cardproxyd [--config FILE] [--check]\n"
    "\n"
    "  -c, --config FILE  the configuration, default " DEFAULT_CONFIG "\n"
    "  -t, --check        report every fault of it, and of the group\n"
    "                     policies in its policy_directory, and exit\n"
    "  -V, --version\n"
    "  -h, --help\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, 't'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static struct config *
load(const char *path)
{
	struct config_faults faults = {0};
	struct config *config = gate_load_config(path, &faults);

	for (size_t i = 0; i < faults.count && i < CONFIG_FAULTS_MAX; i++)
		(void)fprintf(stderr, "%s\n", faults.text[i]);
	if (faults.count > CONFIG_FAULTS_MAX)
		(void)fprintf(stderr, "... and %zu more\n",
		              faults.count - CONFIG_FAULTS_MAX);
	config_faults_clear(&faults);
	return config;
}

/* What the file asks for and this process or machine cannot do. */
static void
say_missing(const char *what)
{
	if (what != NULL)
		(void)printf("note: %s\n", what);
}

/* The group policies of the machine, each fault with its file and byte. */
static bool
check_policies(struct config *config)
{
	gpo_free(config_load_policies(config, NULL));
	const struct gpo_set *set = config->gpos;

	for (size_t i = 0; set != NULL && i < set->note_count; i++)
		(void)fprintf(stderr, "%s\n", set->notes[i]);
	return config->policy_directory == NULL ||
	       (set != NULL && set->note_count == 0);
}

static int
check_all(struct config *config, const char *path)
{
	bool sound = check_policies(config);

	say_missing(gate_voucher_missing(config));
	say_missing(gate_host_missing(config));
	say_missing(gate_host_alone(config));
	say_missing(gate_servers_unproven(config));
	say_missing(gate_policies_unordered(config));
	config_free(config);
	if (sound)
		(void)printf("%s: ok\n", path);
	return sound ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	const char *path = DEFAULT_CONFIG;
	struct config *config;
	bool check = false;
	int c;

	while ((c = getopt_long(argc, argv, "c:tVh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 't':
			check = true;
			break;
		case 'V':
			(void)puts("cardproxyd " CARDPROXY_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			(void)fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			(void)fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	config = load(path);
	if (config == NULL)
		return EXIT_FAILURE;
	if (check)
		return check_all(config, path);
	log_setup(config->log_level, config->log_form);
	if (!confine_process()) {
		perror("cardproxyd");
		config_free(config);
		return EXIT_FAILURE;
	}
	return gate_run(config, path);
}
