/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

struct record {
	uint64_t id;
	json_t	*about;
	char	*body;
	size_t	 len;
	char	 sha256[65];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct record ring[RECORD_MAX];
static size_t head, count, bytes;	/* ring[head]: the oldest */
static atomic_uint_fast64_t last_id;

uint64_t
record_next_id(void)
{
	return atomic_fetch_add(&last_id, 1) + 1;
}

void
record_sha256(const void *p, size_t n, char hex[65])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	EVP_Digest(p, n, md, &len, EVP_sha256(), NULL);
	for (unsigned i = 0; i < len && i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
}

char *
record_base64(const void *p, size_t n)
{
	char *out = malloc((n + 2) / 3 * 4 + 1);

	if (out)
		EVP_EncodeBlock((unsigned char *)out, p, (int)n);
	return out;
}

static void
drop_oldest(void)
{
	struct record *r = &ring[head];

	bytes -= r->len;
	json_decref(r->about);
	free(r->body);
	memset(r, 0, sizeof(*r));
	head = (head + 1) % RECORD_MAX;
	count--;
}

void
record_keep(json_t *about, char *body, size_t len, const char *sha256_hex)
{
	struct record *r;

	pthread_mutex_lock(&lock);
	while (count > 0 && (count == RECORD_MAX || bytes + len > RECORD_BYTES))
		drop_oldest();
	r = &ring[(head + count) % RECORD_MAX];
	r->id = (uint64_t)json_integer_value(json_object_get(about, "id"));
	r->about = about;
	r->body = body;
	r->len = len;
	snprintf(r->sha256, sizeof(r->sha256), "%s", sha256_hex);
	count++;
	bytes += len;
	pthread_mutex_unlock(&lock);
}

static bool
wanted(const struct record *r, const struct record_query *q)
{
	const char *uri = json_string_value(json_object_get(r->about, "uri"));

	if ((q->id && r->id != q->id) || r->id <= q->since)
		return false;
	if (q->path && (uri == NULL || strstr(uri, q->path) == NULL))
		return false;
	return q->contains == NULL || memmem(r->body, r->len, q->contains, strlen(q->contains)) != NULL;
}

static json_t *
describe(const struct record *r)
{
	json_t *o = json_deep_copy(r->about);
	char *b64 = record_base64(r->body, r->len);

	json_object_set_new(o, "body_bytes", json_integer((json_int_t)r->len));
	json_object_set_new(o, "body_sha256", json_string(r->sha256));
	json_object_set_new(o, "body", json_stringn(r->body ? r->body : "", r->len));
	json_object_set_new(o, "body_base64", json_string(b64 ? b64 : ""));
	free(b64);
	return o;
}

json_t *
record_list(const struct record_query *q)
{
	json_t *list = json_array();

	pthread_mutex_lock(&lock);
	for (size_t i = count; i > 0 && json_array_size(list) < q->n; i--) {
		const struct record *r = &ring[(head + i - 1) % RECORD_MAX];

		if (wanted(r, q))
			json_array_append_new(list, describe(r));
	}
	pthread_mutex_unlock(&lock);
	return json_pack("{so}", "requests", list);
}

json_t *
record_stats(void)
{
	json_t *o;

	pthread_mutex_lock(&lock);
	o = json_pack("{sI,sI,sI}", "requests", (json_int_t)atomic_load(&last_id), "kept", (json_int_t)count,
	    "kept_bytes", (json_int_t)bytes);
	pthread_mutex_unlock(&lock);
	return o;
}

void
record_clear(void)
{
	pthread_mutex_lock(&lock);
	while (count > 0)
		drop_oldest();
	pthread_mutex_unlock(&lock);
}
