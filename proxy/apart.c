#include "apart.h"

#include <malloc.h>
#include <pthread.h>
#include <stddef.h>

struct errand {
	void (*work)(void *arg);
	void *arg;
};

static void *
run(void *arg)
{
	const struct errand *errand = arg;

	errand->work(errand->arg);
	return NULL;
}

/* Without a thread a session is larger, and all works as well. */
void
apart_run(void (*work)(void *arg), void *arg)
{
	struct errand errand = {work, arg};
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, &errand) != 0)
		work(arg);
	else
		(void)pthread_join(thread, NULL);
	(void)malloc_trim(0);
}
