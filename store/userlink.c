#include "userlink.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tree.h"

#define USERS   "user"
#define TO_VIEW "../session/"

enum {
	NAME_SIZE = 16,
	TARGET_SIZE = sizeof(TO_VIEW) + VIEW_ID_TEXT_LEN,
	USERS_MODE = 0711 /* no list of the users for everybody */
};

static void
link_name(uid_t user, char name[NAME_SIZE])
{
	(void)snprintf(name, NAME_SIZE, "%lu", (unsigned long)user);
}

/* False: there is no link of this name, or none of ours. */
static bool
read_link(int users, const char *name, char id[VIEW_ID_TEXT_LEN + 1])
{
	static const size_t skipped = sizeof(TO_VIEW) - 1;
	char target[TARGET_SIZE + 1];
	ssize_t len = readlinkat(users, name, target, sizeof(target));

	if (len != (ssize_t)(skipped + VIEW_ID_TEXT_LEN) ||
	    memcmp(target, TO_VIEW, skipped) != 0)
		return false;
	memcpy(id, target + skipped, VIEW_ID_TEXT_LEN);
	id[VIEW_ID_TEXT_LEN] = '\0';
	return true;
}

bool
userlink_get(int run_dirfd, uid_t user, char id[VIEW_ID_TEXT_LEN + 1])
{
	int users = tree_open(run_dirfd, USERS);
	char name[NAME_SIZE];
	bool found;

	if (users < 0)
		return false;
	link_name(user, name);
	found = read_link(users, name, id);
	(void)close(users);
	return found;
}

/* False: it is not written as we write one. */
static bool
parse_name(const char *name, uid_t *user)
{
	char again[NAME_SIZE];

	*user = (uid_t)strtoul(name, NULL, 10);
	link_name(*user, again);
	return strcmp(name, again) == 0;
}

void
userlink_each(int run_dirfd, userlink_on_link *on_link, void *arg)
{
	int users = tree_open(run_dirfd, USERS);
	DIR *dir = users >= 0 ? fdopendir(users) : NULL;
	char id[VIEW_ID_TEXT_LEN + 1];
	struct dirent *entry;
	uid_t user;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (parse_name(entry->d_name, &user) &&
		    read_link(users, entry->d_name, id))
			on_link(user, id, arg);
	if (dir != NULL)
		(void)closedir(dir);
	else if (users >= 0)
		(void)close(users);
}

enum view_error
userlink_set(int run_dirfd, uid_t user, const char *id)
{
	const struct tree_access access = {USERS_MODE, TREE_NO_GROUP,
	                                   TREE_NO_USER};
	int users = tree_make(run_dirfd, USERS, &access);
	char target[TARGET_SIZE];
	char name[NAME_SIZE];
	int made;

	if (users < 0)
		return VIEW_EIO;
	link_name(user, name);
	(void)snprintf(target, sizeof(target), TO_VIEW "%s", id);
	made = tree_link(users, name, target);
	(void)close(users);
	return made == 0 ? VIEW_OK : VIEW_EIO;
}

void
userlink_clear(int run_dirfd, uid_t user, const char *id)
{
	int users = tree_open(run_dirfd, USERS);
	char now[VIEW_ID_TEXT_LEN + 1];
	char name[NAME_SIZE];

	if (users < 0)
		return;
	link_name(user, name);
	if (read_link(users, name, now) && strcmp(now, id) == 0)
		(void)unlinkat(users, name, 0);
	(void)close(users);
}

struct prune {
	int users;
	view_alive *alive;
	void *arg;
};

static bool
leads_to_life(const char *name, void *arg)
{
	const struct prune *prune = arg;
	char id[VIEW_ID_TEXT_LEN + 1];

	return read_link(prune->users, name, id) &&
	       prune->alive(id, prune->arg);
}

void
userlink_prune(int run_dirfd, view_alive *alive, void *arg)
{
	struct prune prune = {tree_open(run_dirfd, USERS), alive, arg};
	int code;

	if (prune.users < 0)
		return;
	(void)tree_clear(prune.users, leads_to_life, &prune, &code);
	(void)close(prune.users);
}
