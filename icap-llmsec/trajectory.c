/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/convo_private.h"
#include "lib/buf.h"

/*
 * Constants, and where they come from.
 *
 * Crescendo: M. Russinovich, A. Salem, R. Eldan, "Great, Now Write an Article About That: The Crescendo Multi-Turn LLM
 * Jailbreak Attack" (arXiv 2404.01833): mostly below five turns, ten at most; each turn refers to the one before and goes a
 * little further.  So: at least three new scores that never fall by more than a little, over the floor of small talk, and the
 * last clearly above the first.
 * Many-shot: C. Anil et al., "Many-shot Jailbreaking" (Anthropic, 2024): no effect with 5 shots, a power law from there,
 * reliable from 32 on to 256.  So: 32 pairs (configurable).
 * The sum forgets a fifth by every new turn: an attacker who spaces attempts with small talk has to talk a lot.
 */
#define FLOOR		20	/* scores below are small talk; they add nothing */
#define RISE_TURNS	3
#define RISE_TURNS_SPLIT 2
#define RISE_MIN	25	/* last minus first */
#define RISE_LAST	45	/* what the last must reach: half of what would be refused by itself */
#define DIP		5	/* a fall that is none */
#define JOIN_TURNS	6
#define JOIN_TURN_MAX	400	/* bytes: pieces of a payload are short */
#define JOIN_MAX	4096

static const struct conf_enum tell_names[] = {{"off", DETECT_OFF}, {"monitor", DETECT_MONITOR},
	{"block", DETECT_BLOCK}, {NULL, 0}};

const struct conf_opt traj_conf_opts[] = {
	CONF_ENUM(struct traj_conf, crescendo, tell_names, "monitor", "scores that rise turn by turn"),
	CONF_ENUM(struct traj_conf, many_shot, tell_names, "monitor", "made-up dialogue of many turns inside one text"),
	CONF_ENUM(struct traj_conf, sum, tell_names, "monitor", "scores of a conversation, or of an actor, that add up"),
	CONF_ENUM(struct traj_conf, split, tell_names, "block", "an attack in pieces over short turns"),
	CONF_DURATION(struct traj_conf, half_life, 1000, 86400000, "10m", "after which half of an actor's sum is forgotten"),
	CONF_INT(struct traj_conf, sum_limit, 50, 100000, "200", "", "sum of a conversation's scores (0 to 100 each)"),
	CONF_INT(struct traj_conf, actor_limit, 50, 100000, "400", "", "sum of an actor's scores"),
	CONF_INT(struct traj_conf, shots, 4, 10000, "32", "pairs", "made-up turns that are too many"),
	CONF_SIZE(struct traj_conf, memory, 64 << 10, 1 << 30, "8M", "memory for turns and actors, shared by all processes; at start only"),
	CONF_DURATION(struct traj_conf, expire, 60000, INT64_C(604800000), "12h", "after which an unused conversation is forgotten"),
	CONF_END
};

_Static_assert(sizeof(struct convo_state) <= (SLOT_WORDS - 1) * sizeof(uint64_t), "a slot holds it");

/* --- actors ----------------------------------------------------------------------------------------- */

static uint32_t
over_floor(int score)
{
	return score > FLOOR ? (uint32_t)(score < 100 ? score : 100) : 0;
}

/* words: name, when (ms), sum in 1/256 */
uint32_t
traj_actor_sum(const struct traj_conf *conf, const struct convo *c)
{
	uint64_t w[SLOT_WORDS];
	int64_t age;

	if (c->table == NULL || !convo_get(c->table, c->actor, (uint32_t)(c->now_ms / 1000), UINT32_MAX, w))
		return 0;
	age = c->now_ms - (int64_t)w[1];
	if (age <= 0 || conf->half_life <= 0)
		return (uint32_t)w[2];
	return (uint32_t)((double)w[2] * exp2(-(double)age / (double)conf->half_life));
}

/* Two requests of one actor at the same moment may count as one: scores are no money. */
void
traj_actor_add(const struct traj_conf *conf, struct convo *c)
{
	uint64_t w[SLOT_WORDS] = { c->actor, (uint64_t)c->now_ms, 0, 0 };

	if (c->added == 0)
		return;
	w[2] = traj_actor_sum(conf, c) + c->added;
	convo_put(c->table, (uint32_t)(c->now_ms / 1000), w);
}

/* --- conversations --------------------------------------------------------------------------------- */

static void
state_turn(struct convo *c, int score)
{
	struct convo_state *s = &c->state;
	uint32_t add = over_floor(score) * 256;

	memmove(s->recent, s->recent + 1, CONVO_RECENT - 1);
	s->recent[CONVO_RECENT - 1] = (uint8_t)(score < 0 ? 0 : score < 100 ? score : 100);
	s->turns += s->turns < UINT16_MAX;
	s->sum = s->sum / 5 * 4 + add;
	c->added += add;
}

/* At least <turns> of them, each but one a step up. */
static bool
rises(const struct convo_state *s, unsigned turns)
{
	unsigned n = s->turns < CONVO_RECENT ? s->turns : CONVO_RECENT, i, steps = 0;
	int last = s->recent[CONVO_RECENT - 1];

	if (n < turns || last < RISE_LAST)
		return false;
	for (i = CONVO_RECENT - 1; i > CONVO_RECENT - n; i--) {
		if (s->recent[i - 1] > s->recent[i] + DIP || s->recent[i] <= FLOOR)
			break;
		steps += s->recent[i] > s->recent[i - 1] + DIP;
	}
	return CONVO_RECENT - i >= turns && steps >= turns - 1 && last - s->recent[i] >= RISE_MIN;
}

static bool
is_new_user(const struct convo *c, const struct span *s)
{
	return s->role == ROLE_USER && s->prov != PROV_FILE && s->msg >= 0 && (size_t)s->msg >= c->known;
}

/* --- many shots ------------------------------------------------------------------------------------- */

static const char *const asks[] = { "user", "human", "question", "q", "customer", "me", "usuario", "utilisateur",
	"benutzer", "utente", "usuário", "пользователь", "用户", "ユーザー", "사용자", "المستخدم" };
static const char *const answers[] = { "assistant", "ai", "answer", "a", "bot", "chatbot", "model", "gpt", "chatgpt",
	"claude", "asistente", "assistente", "assistent", "ассистент", "助手", "アシスタント", "어시스턴트", "المساعد" };

static bool
label_is(const char *p, size_t n, const char *const *names, size_t n_names)
{
	for (size_t i = 0; i < n_names; i++)
		if (n == strlen(names[i]) && strncasecmp(p, names[i], n) == 0)
			return true;
	return false;
}

/* "User:" at the begin of a line, marks of lists and emphasis aside: 1 who asks, 2 who answers, 0 nobody. */
static int
line_label(const char *p, size_t n)
{
	size_t i = 0, from;

	while (i < n && i < 12 && strchr(" \t*_#>-<|[(0123456789.", p[i]) != NULL && p[i] != '\0')
		i++;
	for (from = i; i < n && i < from + 32 && strchr(":*|>])0123456789", p[i]) == NULL; i++)
		;
	if (i == n || i == from || memchr(p + i, ':', n - i < 8 ? n - i : 8) == NULL)
		return 0;
	if (label_is(p + from, i - from, asks, sizeof(asks) / sizeof(asks[0])))
		return 1;
	return label_is(p + from, i - from, answers, sizeof(answers) / sizeof(answers[0])) ? 2 : 0;
}

static size_t
span_shots(const struct span *s)
{
	const char *p = s->text, *end = p + s->len, *nl;
	size_t pairs = 0;
	int last = 0, label;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		nl = nl != NULL ? nl : end;
		label = line_label(p, (size_t)(nl - p));
		pairs += label == 2 && last == 1;
		last = label != 0 ? label : last;
	}
	return pairs;
}

size_t
convo_shots(const struct convo *c, const struct spans *ss)
{
	size_t most = 0, n;

	for (size_t i = 0; i < ss->n; i++) {
		if (convo_knows(c, &ss->v[i]) || ss->v[i].role == ROLE_SYSTEM || ss->v[i].role == ROLE_DEVELOPER ||
		    ss->v[i].len == 0)
			continue;
		n = span_shots(&ss->v[i]);
		most = n > most ? n : most;
	}
	return most;
}

/* --- split payloads ---------------------------------------------------------------------------------- */

/* Of a word; beyond ASCII everything is. */
static bool
is_letter(char c)
{
	return (unsigned char)c >= 0x80 || isalnum((unsigned char)c);
}

int
convo_joined(const struct convo *c, const struct spans *ss, bool tight, struct arena *a, const char **text, size_t *len)
{
	size_t first[JOIN_TURNS], n = 0, total = 0;
	bool met = false;
	char *out;

	*text = NULL;
	*len = 0;
	for (size_t i = ss->n; i > 0 && n < JOIN_TURNS; i--) {
		const struct span *s = &ss->v[i - 1];

		if (s->role != ROLE_USER || s->prov == PROV_FILE || s->msg < 0 || s->len == 0)
			continue;
		if (n == 0 && !is_new_user(c, s))
			return 0;
		if (s->len > JOIN_TURN_MAX || total + s->len + 1 > JOIN_MAX)
			break;
		total += s->len + 1;
		first[n++] = i - 1;
	}
	if (n < 2 || ss->v[first[0]].msg == ss->v[first[n - 1]].msg)
		return 0;
	out = arena_alloc(a, total + 1);
	if (out == NULL)
		return -ENOMEM;
	*text = out;
	while (n-- > 0) {
		const struct span *s = &ss->v[first[n]];

		if (out > *text && is_letter(out[-1]) && is_letter(s->text[0]) && tight)
			met = true;
		else if (out > *text)
			*out++ = ' ';
		memcpy(out, s->text, s->len);
		out += s->len;
	}
	*out = '\0';
	*len = (size_t)(out - *text);
	if (tight && !met)
		*text = NULL;
	return 0;
}

/* --- verdict -------------------------------------------------------------------------------------------- */

static int
tell(struct findings *fs, struct arena *a, const struct spans *ss, const char *id, const char *category, int mode,
    int severity)
{
	struct finding f = { .rule_id = id, .category = category, .mode = (enum detect_mode)mode, .severity = severity };

	if (mode == DETECT_OFF)
		return 0;
	for (size_t i = 0; i < ss->n; i++)
		if (ss->v[i].role == ROLE_USER && ss->v[i].msg >= 0) {
			f.span = i;
			f.len = ss->v[i].len;
		}
	return findings_add(fs, a, &f);
}

int
traj_judge(const struct traj_conf *conf, struct convo *c, const struct spans *ss, const int *score, int joined,
    int block_at, struct arena *a, struct findings *fs)
{
	size_t new_turns = 0;
	int e = 0, last = -1, worst = 0;
	bool split;

	for (size_t i = 0; i < ss->n; i++) {
		const struct span *s = &ss->v[i];

		if (!is_new_user(c, s) || s->msg == last)
			continue;
		last = s->msg;
		new_turns++;
		worst = score[last] > worst ? score[last] : worst;
		state_turn(c, score[last]);
	}
	if (new_turns == 0)
		return 0;
	split = joined >= block_at && worst < block_at;
	/* Steps up that are refused when they are read together are a crescendo already with the second: so it is named, and first. */
	if (rises(&c->state, split ? RISE_TURNS_SPLIT : RISE_TURNS))
		e = tell(fs, a, ss, "LLMSEC-TRAJ-0001", "trajectory.crescendo", conf->crescendo, 6);
	if (e == 0 && conf->many_shot != DETECT_OFF && convo_shots(c, ss) >= (size_t)conf->shots)
		e = tell(fs, a, ss, "LLMSEC-TRAJ-0002", "trajectory.many_shot", conf->many_shot, 6);
	if (e == 0 && c->added > 0 && (c->state.sum >= (uint32_t)conf->sum_limit * 256 ||
	    traj_actor_sum(conf, c) + c->added >= (uint32_t)conf->actor_limit * 256))
		e = tell(fs, a, ss, "LLMSEC-TRAJ-0003", "trajectory.sum", conf->sum, 5);
	if (e == 0 && split)
		e = tell(fs, a, ss, "LLMSEC-TRAJ-0004", "trajectory.split", conf->split, 8);
	return e;
}
