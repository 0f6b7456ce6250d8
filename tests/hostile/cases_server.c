#include "adversary.h"

const struct adversary_case cases_server[] = {
    {.name = NULL},
};
