#include "adversary.h"

const struct adversary_case cases_card[] = {
    {.name = NULL},
};
