/* Lets sources that include the usual headers compile with those of the corpus. */
#pragma once
#include "corpus.h"
