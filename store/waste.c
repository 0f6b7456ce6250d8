#include "waste.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

static void on_step(evutil_socket_t fd, short what, void *arg);

struct file {
	STAILQ_ENTRY(file) entry;
	int fd;
};

struct waste {
	struct event *step; /* pending: there is a file */
	STAILQ_HEAD(, file) files;
};

/* At once, but behind what is ready. */
static const struct timeval at_once = {0, 0};

struct waste *
waste_new(struct event_base *base)
{
	struct waste *waste = calloc(1, sizeof(*waste));

	if (waste == NULL)
		return NULL;
	STAILQ_INIT(&waste->files);
	waste->step = event_new(base, -1, 0, on_step, waste);
	if (waste->step != NULL)
		return waste;
	free(waste);
	return NULL;
}

static void
drop(struct waste *waste, struct file *file)
{
	STAILQ_REMOVE_HEAD(&waste->files, entry);
	(void)close(file->fd);
	free(file);
}

void
waste_free(struct waste *waste)
{
	if (waste == NULL)
		return;
	while (!STAILQ_EMPTY(&waste->files))
		drop(waste, STAILQ_FIRST(&waste->files));
	event_free(waste->step);
	free(waste);
}

void
waste_take(struct waste *waste, int fd)
{
	struct file *file = fd >= 0 ? calloc(1, sizeof(*file)) : NULL;

	if (file == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	file->fd = fd;
	STAILQ_INSERT_TAIL(&waste->files, file, entry);
	(void)event_add(waste->step, &at_once);
}

static void
on_step(evutil_socket_t fd, short what, void *arg)
{
	struct waste *waste = arg;
	struct file *file = STAILQ_FIRST(&waste->files);
	struct stat now;

	(void)fd;
	(void)what;
	if (file == NULL)
		return;
	if (fstat(file->fd, &now) != 0 || now.st_size <= WASTE_STEP ||
	    ftruncate(file->fd, now.st_size - WASTE_STEP) != 0)
		drop(waste, file);
	if (!STAILQ_EMPTY(&waste->files))
		(void)event_add(waste->step, &at_once);
}
