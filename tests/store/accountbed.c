#include "accountbed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Processes of the keeper see it, too. */
static struct {
	char path[64];
	char next[72];
	char broken[64];
} * bed;

typedef int lookup(const char *name, struct passwd *pw, char *buffer,
                   size_t size, struct passwd **found);

static int
find_own(const char *name, struct passwd *pw, char *buffer, size_t size,
         struct passwd **found)
{
	FILE *f = fopen(bed->path, "re");
	int error = 0;

	*found = NULL;
	if (f == NULL)
		return 0; /* what else there is has to say */
	do
		error = fgetpwent_r(f, pw, buffer, size, found);
	while (error == 0 && strcmp(pw->pw_name, name) != 0);
	(void)fclose(f);
	return error == ENOENT ? 0 : error;
}

int
getpwnam_r(const char *name, struct passwd *pw, char *buffer, size_t size,
           struct passwd **found)
{
	lookup *real = NULL;
	void *symbol = dlsym(RTLD_NEXT, "getpwnam_r");
	int error = 0;

	*found = NULL;
	if (bed != NULL && strcmp(bed->broken, name) == 0)
		return EIO;
	if (bed != NULL)
		error = find_own(name, pw, buffer, size, found);
	if (error != 0 || *found != NULL)
		return error;
	memcpy(&real, &symbol, sizeof(real));
	return real(name, pw, buffer, size, found);
}

const char *
accountbed_init(void)
{
	int fd;

	bed = mmap(NULL, sizeof(*bed), PROT_READ | PROT_WRITE,
	           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(bed, MAP_FAILED);
	(void)snprintf(bed->path, sizeof(bed->path), "/tmp/accountbed.XXXXXX");
	fd = mkstemp(bed->path);
	assert_true(fd >= 0);
	(void)close(fd);
	(void)snprintf(bed->next, sizeof(bed->next), "%s.new", bed->path);
	return bed->path;
}

void
accountbed_clear(void)
{
	(void)unlink(bed->path);
	(void)munmap(bed, sizeof(*bed));
	bed = NULL;
}

/* All lines but this one's, in a new file, as the host's tools do it. */
static FILE *
begin(const char *but)
{
	FILE *from = fopen(bed->path, "re");
	FILE *to = fopen(bed->next, "we");
	const struct passwd *pw = NULL;

	assert_non_null(from);
	assert_non_null(to);
	while ((pw = fgetpwent(from)) != NULL)
		if (strcmp(pw->pw_name, but) != 0)
			assert_int_equal(putpwent(pw, to), 0);
	(void)fclose(from);
	return to;
}

static void
finish(FILE *to)
{
	assert_int_equal(fclose(to), 0);
	assert_int_equal(rename(bed->next, bed->path), 0);
}

void
accountbed_add(const char *name, uid_t uid)
{
	FILE *to = begin(name);

	assert_true(fprintf(to, "%s:x:%u:%u::/:/bin/sh\n", name, (unsigned)uid,
	                    (unsigned)uid) > 0);
	finish(to);
}

void
accountbed_remove(const char *name)
{
	finish(begin(name));
}

void
accountbed_unlink(void)
{
	assert_int_equal(unlink(bed->path), 0);
}

void
accountbed_break(const char *name)
{
	(void)snprintf(bed->broken, sizeof(bed->broken), "%s",
	               name != NULL ? name : "");
}
