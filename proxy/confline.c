#include "confline.h"

#include <string.h>

const char *
confline_check(const char *line)
{
	const char *text = line + strspn(line, " \t");

	for (const char *c = line; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' && *c != '\t')
			return "there is a control character";
	if (*text == '\0' || *text == ';' || *text == '#')
		return NULL;
	if (text != line)
		return "a line must not start with a blank";
	if (*line != '[' && strcspn(line, "=") == strlen(line))
		return "want key = value";
	return strcspn(line, "=") == 0 ? "want key = value" : NULL;
}

bool
confline_take(struct wire_in *in, char *buf, size_t size)
{
	size_t len = 0;

	while (in->left > 0) {
		uint8_t byte = wire_u8(in);

		if (byte == '\n')
			break;
		if (byte == '\0')
			byte = 1; /* a control character, and refused as such */
		if (len < size - 1)
			buf[len] = (char)byte;
		len++;
	}
	if (len > 0 && len < size && buf[len - 1] == '\r')
		len--;
	buf[len < size ? len : size - 1] = '\0';
	return len < size;
}
