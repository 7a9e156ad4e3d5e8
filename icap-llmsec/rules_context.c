/* SPDX-License-Identifier: MIT */
/*
 * Is a match an instruction, or does the text talk about one?  Deterministic, and strict towards the attacker: quotation
 * marks alone change nothing.  It is talk
 * - where the match is quoted, the sentence around the quotation says what is done with it (explain, translate, "such as",
 *   "is an attack") and nothing says to do what it says;
 * - where it is forbidden ("never reveal ...") or told of others ("attackers who ...", "if a user tells you to ...") in its own
 *   clause, and that clause tells the reader to do nothing.
 * Look-ups are bounded by constants: a match costs a scan of at most some hundred bytes.
 */
#include "config.h"

#include <string.h>

#include <utf8proc.h>

#include "icap-llmsec/rules_private.h"

#define QUOTE_MAX	400	/* bytes from the match to a quotation mark */
#define AROUND_MAX	160	/* bytes of a sentence around it */
#define TALK		0.1f

enum talk { TALK_FRAME, TALK_OBEY, TALK_OTHERS, TALK_NOT, TALK_KINDS };

/* Words that take a quotation as their object, or say what it is. */
static const char *const frames[] = {
	"explain", "explains", "explained", "describe", "define", "discuss", "discusses", "what is", "what are", "what does", "what do",
	"what's", "why is", "why does", "why do", "how is", "how does", "how do", "how would", "how can", "meaning", "means", "mean", "phrase",
	"phrases", "sentence", "example", "examples", "e.g", "such as", "detect", "detects", "detecting", "detected", "filter", "filters", "classify",
	"classifier", "term", "called", "quote", "quoted", "says", "said", "wrote", "written", "string", "strings", "contains", "containing",
	"matches", "translate", "translates", "translated", "translation", "paraphrase", "spell", "grammar", "attack", "attacks", "attacker",
	"attackers", "injection", "injections", "jailbreak", "jailbreaks", "paper", "research", "article", "lecture", "course", "slide", "slides", "ctf",
	"moderation", "flag", "flagged", "block", "blocked", "blocks", "log", "test case", "unit test", "dataset", "label", "titled", "entitled",
	"like",
	"erkläre", "erklären", "erklär", "bedeutet", "bedeutung", "was ist", "was heißt", "wie funktioniert", "beispiel", "beispiele", "zum beispiel",
	"übersetze", "übersetzen", "satz", "angriff", "angriffe", "warum", "erkennt", "genannt",
	"explique", "expliquer", "expliquez", "signifie", "que veut dire", "qu'est-ce que", "exemple", "exemples", "traduis", "traduire", "traduisez",
	"phrase", "attaque", "attaques", "pourquoi",
	"explica", "explicar", "explícame", "significa", "qué es", "ejemplo", "ejemplos", "traduce", "traducir", "frase", "ataque", "ataques", "por qué",
	"spiega", "spiegami", "cosa significa", "cos'è", "esempio", "esempi", "traduci", "tradurre", "attacco", "attacchi", "perché",
	"o que é", "o que significa", "exemplo", "exemplos", "traduza", "traduzir", "por que",
	"объясни", "объясните", "что такое", "что значит", "означает", "например", "пример", "примеры", "переведи", "переведите", "фраза", "фразу",
	"атака", "атаки", "почему", "поясни", "що таке", "що означає", "наприклад", "приклад", "переклади", "чому",
	"wyjaśnij", "co znaczy", "co oznacza", "przykład", "na przykład", "przetłumacz", "zdanie", "atak", "dlaczego",
	"leg uit", "wat betekent", "voorbeeld", "bijvoorbeeld", "vertaal", "zin", "aanval", "waarom",
	"açıkla", "ne demek", "nedir", "örnek", "örneğin", "çevir", "cümlesi", "ifadesi", "saldırı", "neden",
	"förklara", "betyder", "exempel", "översätt", "giải thích", "nghĩa là", "ví dụ", "dịch", "câu", "jelaskan", "artinya", "contoh", "terjemahkan",
	"解释", "解釋", "什么意思", "什麼意思", "什么是", "什麼是", "例如", "比如", "例子", "翻译", "翻譯", "这句话", "這句話", "短语", "攻击", "攻擊", "为什么", "為什麼",
	"説明", "とは", "意味", "例えば", "翻訳", "訳して", "という文", "というフレーズ", "攻撃", "なぜ",
	"설명", "무슨 뜻", "의미", "예를 들어", "번역", "라는 문장", "라는 말", "공격", "왜",
	"اشرح", "ما معنى", "معنى", "مثال", "مثل", "ترجم", "عبارة", "هجوم", "لماذا", "समझाइए", "समझाओ", "का मतलब", "क्या है", "उदाहरण", "अनुवाद", "वाक्य", "क्यों", "हमला",
};

/* Words by which the quotation becomes an order after all; also, in a clause about others, an order to the reader. */
static const char *const obeys[] = {
	"follow it", "follow them", "follow these", "follow this", "follow those", "follow that", "follow the", "obey", "comply", "do it", "do that", "do this", "do so", "do as", "do what", "do exactly what",
	"execute it", "execute that", "execute this", "execute the", "run it", "act on", "act accordingly", "carry out", "carry it out", "apply it", "as instructed", "then reveal",
	"then print", "then output", "then tell", "then show", "then give", "then answer", "then act", "then behave", "you must", "you will", "you should", "you shall",
	"you have to", "you need to", "you are to", "you are now", "i want you", "i need you", "i order", "i command", "your task", "your new", "from now on",
	"befolge", "führe aus", "führe sie aus", "gehorche", "du musst", "du sollst", "sie müssen", "suis-la", "suis-les", "obéis", "exécute", "tu dois", "vous devez",
	"síguela", "síguelas", "obedece", "ejecuta", "debes", "tienes que", "seguila", "obbedisci", "esegui", "devi", "obedeça", "execute", "você deve",
	"выполни", "следуй", "сделай", "ты должен", "виконай", "ти повинен", "wykonaj", "musisz", "voer uit", "je moet", "uygula", "yapmalısın",
	"执行", "執行", "照做", "遵循", "你必须", "你必須", "従って", "実行", "따라", "실행", "نفذ", "اتبع", "يجب عليك", "पालन", "करना होगा",
};

/* Who does it, where it is told and not ordered. */
static const char *const others[] = {
	"attackers", "an attacker", "the attacker", "adversaries", "an adversary", "hackers", "a hacker", "prompt injection", "prompt injections", "injections", "jailbreaks",
	"jailbreak prompts", "injection attacks", "tells you to", "asks you to", "tell you to", "ask you to", "tells the model to", "telling the model to",
	"asks the model to", "asking the model to", "tells it to", "asks it to", "telling it to", "asking it to", "get a model to", "get the model to", "get an llm to",
	"make a model", "make the model", "makes the model", "trick a model", "trick the model", "tries to", "try to", "trying to", "attempts to", "attempt to",
	"attempting to", "people who", "someone who", "users who", "requests to", "commands like", "instructions like", "prompts like", "phrases like", "text like", "messages like",
	"was told to", "were told to", "been told to", "what happens if", "what would happen if", "what if", "is it possible to", "is it safe to",
	"angreifer", "versucht", "attaquants", "un attaquant", "essaie de", "atacantes", "un atacante", "intenta", "attaccanti", "cerca di", "um atacante", "tenta",
	"злоумышленник", "злоумышленники", "пытается", "зловмисник", "atakujący", "próbuje", "aanvallers", "een aanvaller", "saldırganlar", "saldırgan",
	"攻击者", "攻擊者", "黑客", "攻撃者", "공격자", "المهاجم", "المهاجمون", "हमलावर",
};

static const char *const nots[] = {
	"never", "not", "don't", "do not", "must not", "mustn't", "should not", "shouldn't", "cannot", "can't", "won't", "will not", "refuse to", "refuses to", "avoid", "no need to", "not ever",
	"niemals", "nicht", "ne", "no", "nunca", "non", "mai", "não", "никогда не", "не", "ніколи не", "nigdy nie", "nie", "nooit", "niet", "asla", "不要", "不能", "切勿", "请勿", "لا", "कभी",
};

static const struct { const char *const *v; size_t n; } kinds[TALK_KINDS] = {
	[TALK_FRAME] = {frames, sizeof(frames) / sizeof(*frames)}, [TALK_OBEY] = {obeys, sizeof(obeys) / sizeof(*obeys)},
	[TALK_OTHERS] = {others, sizeof(others) / sizeof(*others)}, [TALK_NOT] = {nots, sizeof(nots) / sizeof(*nots)},
};

struct literals *
rules_talk_new(void)
{
	struct literals *l = literals_new(false);

	for (unsigned k = 0; l != NULL && k < TALK_KINDS; k++)
		for (size_t i = 0; i < kinds[k].n; i++)
			if (literals_add(l, kinds[k].v[i], strlen(kinds[k].v[i]), k) < 0) {
				literals_free(&l);
				return NULL;
			}
	if (l != NULL && literals_build(l) < 0)
		literals_free(&l);
	return l;
}

/* The character at <i>, or that ends before it. */
static utf8proc_int32_t
char_at(const char *s, size_t len, size_t i, bool before)
{
	utf8proc_int32_t c = 0;

	if (before) {
		if (i == 0)
			return 0;
		for (i--; i > 0 && ((unsigned char)s[i] & 0xc0) == 0x80; i--)
			;
	}
	if (i >= len || utf8proc_iterate((const utf8proc_uint8_t *)s + i, (utf8proc_ssize_t)(len - i), &c) <= 0)
		return 0;
	return c;
}

/* Part of a word in a script that separates them. */
static bool
in_word(utf8proc_int32_t c)
{
	if (c < 0x80)
		return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
	if ((c >= 0xe00 && c < 0x1100) || (c >= 0x1780 && c < 0x1800) || c >= 0x2e80)
		return false;	/* Thai, Lao, Tibetan, Burmese, Khmer, East Asia */
	return utf8proc_category(c) >= UTF8PROC_CATEGORY_LU && utf8proc_category(c) <= UTF8PROC_CATEGORY_ME;
}

bool
rules_whole_words(const char *text, size_t len, size_t start, size_t end)
{
	return !(in_word(char_at(text, len, start, true)) && in_word(char_at(text, len, start, false))) &&
	    !(in_word(char_at(text, len, end, true)) && in_word(char_at(text, len, end, false)));
}

struct talk_find {
	const char	*text;		/* the whole, for the words' borders */
	size_t		 len, from;
	enum talk	 kind;
	size_t		 end;		/* of the last one found, in the whole */
	bool		 found;
};

static bool
talk_hit(void *arg, const struct literals_hit *h)
{
	struct talk_find *f = arg;

	if (h->id != (uint32_t)f->kind || !rules_whole_words(f->text, f->len, f->from + h->start, f->from + h->end))
		return true;
	f->found = true;
	f->end = f->from + h->end > f->end ? f->from + h->end : f->end;
	return true;
}

/* Is there a word of <kind> in [from, to)?  *end: where the last one ends. */
static bool
talk_in(const struct literals *talk, const struct norm *t, size_t from, size_t to, enum talk kind, size_t *end)
{
	struct talk_find f = {.text = t->text, .len = t->len, .from = from, .kind = kind};

	if (from < to)
		literals_each(talk, t->text + from, to - from, talk_hit, &f);
	if (end != NULL)
		*end = f.end;
	return f.found;
}

static bool
ends_sentence(const struct norm *t, size_t i, bool clause)
{
	char c = t->text[i];

	if (norm_line_end(t, i))
		return true;
	if (c == '.' || c == '!' || c == '?')
		return i + 1 >= t->len || t->text[i + 1] == ' ';
	if (clause && (c == ';' || c == ':' || c == '"'))
		return true;
	return i + 2 < t->len && memcmp(t->text + i, "\xe3\x80\x82", 3) == 0;	/* ideographic full stop */
}

static size_t
sentence_begin(const struct norm *t, size_t at, bool clause)
{
	size_t lo = at > AROUND_MAX ? at - AROUND_MAX : 0, i = at;

	while (i > lo && !ends_sentence(t, i - 1, clause))
		i--;
	while (i < at && ((unsigned char)t->text[i] & 0xc0) == 0x80)
		i++;
	return i;
}

/* Past <sentences> of them, or AROUND_MAX bytes. */
static size_t
sentence_end(const struct norm *t, size_t at, int sentences)
{
	size_t hi = t->len - at > AROUND_MAX ? at + AROUND_MAX : t->len, i = at;

	for (; i < hi; i++)
		if (ends_sentence(t, i, false) && --sentences == 0)
			break;
	while (i < t->len && ((unsigned char)t->text[i] & 0xc0) == 0x80)
		i++;
	return i;
}

static bool
blank_or_sign(const struct norm *t, size_t i, bool before)
{
	utf8proc_int32_t c = char_at(t->text, t->len, i, before);

	return c == 0 || !in_word(c);
}

/* The last <mark> before <at> that isn't inside a word; it opens a quotation, or there is none here. */
static bool
quote_opens(const struct norm *t, size_t at, const char *mark, size_t *open)
{
	size_t n = strlen(mark), lo = at > QUOTE_MAX ? at - QUOTE_MAX : 0;

	for (size_t i = at; i-- > lo;) {
		if (i + n > at || memcmp(t->text + i, mark, n) != 0)
			continue;
		if (!blank_or_sign(t, i, true) && !blank_or_sign(t, i + n, false) && n == 1)
			continue;	/* an apostrophe */
		*open = i;
		return blank_or_sign(t, i, true) && t->text[i + n] != ' ';
	}
	return false;
}

static bool
quote_closes(const struct norm *t, size_t at, const char *mark, size_t *close)
{
	size_t n = strlen(mark), hi = t->len - at > QUOTE_MAX ? at + QUOTE_MAX : t->len;

	for (size_t i = at; i + n <= hi; i++) {
		if (memcmp(t->text + i, mark, n) != 0 || (n == 1 && !blank_or_sign(t, i + n, false)))
			continue;
		*close = i + n;
		return true;
	}
	return false;
}

static bool
quoted(const struct norm *t, size_t start, size_t end, size_t *open, size_t *close)
{
	static const char *const marks[][2] = {
		{"\"", "\""}, {"'", "'"}, {"`", "`"}, {"\xc2\xab", "\xc2\xbb"}, {"\xc2\xbb", "\xc2\xab"},	/* guillemets */
		{"\xe3\x80\x8c", "\xe3\x80\x8d"}, {"\xe3\x80\x8e", "\xe3\x80\x8f"},		/* corner brackets */
		{"\xe3\x80\x8a", "\xe3\x80\x8b"},
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (quote_opens(t, start, marks[i][0], open) && quote_closes(t, end, marks[i][1], close))
			return true;
	return false;
}

float
rules_context(const struct literals *talk, const struct norm *t, size_t start, size_t len)
{
	size_t open, close, from, to, end = start + len, last;

	if (quoted(t, start, end, &open, &close)) {
		from = sentence_begin(t, open, false);
		to = sentence_end(t, close, 2);
		if (talk_in(talk, t, from, open, TALK_OBEY, NULL) || talk_in(talk, t, close, to, TALK_OBEY, NULL))
			return 1;
		to = sentence_end(t, close, 1);
		return talk_in(talk, t, from, open, TALK_FRAME, NULL) || talk_in(talk, t, close, to, TALK_FRAME, NULL) ? TALK : 1;
	}
	from = sentence_begin(t, start, true);
	if (talk_in(talk, t, from, start, TALK_NOT, &last) && last + 1 >= start)
		return TALK;
	return talk_in(talk, t, from, start, TALK_OTHERS, &last) && !talk_in(talk, t, last, start, TALK_OBEY, NULL) ? TALK : 1;
}
