#include "adversary.h"

const struct adversary_case cases_answer[] = {
    {.name = NULL},
};
