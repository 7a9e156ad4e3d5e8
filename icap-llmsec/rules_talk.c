/* SPDX-License-Identifier: MIT */
/* The words by which a text talks about an attack (rules_context.c). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "icap-llmsec/rules_private.h"

/* What is to be done with a quotation, or asked of it. */
static const char *const asks[] = {
	"explain", "explains", "explained", "describe", "define", "discuss", "discusses", "what is", "what are", "what does", "what do", "what's", "why is",
	"why does", "why do", "how is", "how does", "how do", "how would", "how can", "meaning", "means", "mean", "detect", "detects", "detecting",
	"detected", "classify", "classifier", "translate", "translates", "translated", "translation", "paraphrase", "grammar", "attack", "attacks",
	"attacker", "attackers", "injection", "injections", "jailbreak", "jailbreaks", "lecture", "course", "slide", "slides", "moderation", "test case",
	"unit test", "erkläre", "erklären", "erklär", "bedeutet", "bedeutung", "was ist", "was heißt", "wie funktioniert", "übersetze", "übersetzen",
	"angriff", "angriffe", "warum", "erkennt", "explique", "expliquer", "expliquez", "signifie", "que veut dire", "qu'est-ce que", "traduis",
	"traduire", "traduisez", "attaque", "attaques", "pourquoi", "explica", "explicar", "explícame", "significa", "qué es", "traduce", "traducir",
	"ataque", "ataques", "por qué", "spiega", "spiegami", "cosa significa", "cos'è", "traduci", "tradurre", "attacco", "attacchi", "perché", "o que é",
	"o que significa", "traduza", "traduzir", "por que", "объясни", "объясните", "что такое", "что значит", "означает", "переведи", "переведите",
	"атака", "атаки", "почему", "поясни", "що таке", "що означає", "переклади", "чому", "wyjaśnij", "co znaczy", "co oznacza", "przetłumacz", "przetlumacz", "atak",
	"dlaczego", "leg uit", "wat betekent", "vertaal", "aanval", "waarom", "açıkla", "acikla", "ne demek", "nedir", "çevir", "saldırı", "neden", "förklara",
	"betyder", "översätt", "giải thích", "nghĩa là", "dịch", "jelaskan", "artinya", "terjemahkan", "解释", "解釋", "什么意思", "什麼意思", "什么是", "什麼是", "翻译", "翻譯",
	"攻击", "攻擊", "为什么", "為什麼", "説明", "とは", "意味", "翻訳", "訳して", "攻撃", "なぜ", "설명", "무슨 뜻", "의미", "번역", "공격", "왜", "اشرح", "ما معنى", "معنى", "ترجم", "هجوم",
	"لماذا", "समझाइए", "समझाओ", "का मतलब", "क्या है", "अनुवाद", "क्यों", "हमला", "how should", "user sent", "users sent", "sent our", "sent us", "customer wrote", "how could", "proofread", "rephrase", "rewrite",
	"summarize", "summarise", "what makes", "is it malicious", "malicious", "is an attack", "suspicious", "regular expression", "regex", "detector",
	"quiz", "is_injection", "erkenne", "erkennen", "erklärt", "bedeuten", "klassifiziere", "formuliere", "analysiere", "analyze", "analyse", "analizza",
	"analiza", "analise", "проанализируй", "классифицируй", "classifique", "classe ce", "clasifica", "classifica", "sınıflandır", "klasyfikuj",
	"classificeer", "分类", "分類", "检测", "検出", "分析", "분류", "분석", "صنف", "حلل", "वर्गीकृत",
};

/* Words that take a quotation as their object, or say what it is. */
static const char *const frames[] = {
	"phrase", "phrases", "sentence", "example", "examples", "e.g", "such as", "filter", "filters", "term", "called", "quote", "quoted", "says", "said",
	"wrote", "written", "string", "strings", "contains", "containing", "matches", "spell", "paper", "research", "article", "ctf", "flag", "flagged",
	"block", "blocked", "blocks", "log", "dataset", "label", "titled", "entitled", "like", "beispiel", "beispiele", "zum beispiel", "satz", "genannt",
	"exemple", "exemples", "ejemplo", "ejemplos", "frase", "esempio", "esempi", "exemplo", "exemplos", "например", "пример", "примеры", "фраза",
	"фразу", "наприклад", "приклад", "przykład", "na przykład", "zdanie", "voorbeeld", "bijvoorbeeld", "zin", "örnek", "örneğin", "cümlesi", "ifadesi",
	"exempel", "ví dụ", "câu", "contoh", "例如", "比如", "例子", "这句话", "這句話", "短语", "例えば", "という文", "というフレーズ", "예를 들어", "라는 문장", "라는 말", "مثال", "مثل",
	"عبارة", "उदाहरण", "वाक्य",
};

/* Words by which the quotation becomes an order after all; also, in a clause about others, an order to the reader. */
static const char *const obeys[] = {
	"follow it", "follow them", "follow these", "follow this", "follow those", "follow that", "follow the", "obey", "comply", "answer to", "reply to", "respond to", "response to", "do it", "do that", "do this", "do so", "do as", "do what", "do exactly what",
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
	[TALK_ASK] = {asks, sizeof(asks) / sizeof(*asks)}, [TALK_FRAME] = {frames, sizeof(frames) / sizeof(*frames)}, [TALK_OBEY] = {obeys, sizeof(obeys) / sizeof(*obeys)},
	[TALK_OTHERS] = {others, sizeof(others) / sizeof(*others)}, [TALK_NOT] = {nots, sizeof(nots) / sizeof(*nots)},
};

static bool
is_latin(const char *word)
{
	utf8proc_int32_t c;

	for (const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)word; *p != 0;) {
		utf8proc_ssize_t k = utf8proc_iterate(p, -1, &c);

		if (k <= 0 || (c >= 0x250 && (c < 0x1e00 || c >= 0x1f00)))
			return false;
		p += k;
	}
	return true;
}

/* The word as it is, and without accents, as many type it and the view of look-alikes has it (views.h). */
static int
talk_add(struct literals *l, const char *word, unsigned kind)
{
	utf8proc_uint8_t *bare = NULL;
	int rc = literals_add(l, word, strlen(word), kind);

	if (rc < 0 || !is_latin(word))
		return rc;
	if (utf8proc_map((const utf8proc_uint8_t *)word, 0, &bare, UTF8PROC_NULLTERM | UTF8PROC_COMPOSE | UTF8PROC_STRIPMARK) < 0)
		return -ENOMEM;
	if (strcmp((char *)bare, word) != 0)
		rc = literals_add(l, (char *)bare, strlen((char *)bare), kind);
	free(bare);
	return rc;
}

struct literals *
rules_talk_new(void)
{
	struct literals *l = literals_new(false);
	int rc = l != NULL ? 0 : -ENOMEM;

	for (unsigned k = 0; k < TALK_KINDS; k++)
		for (size_t i = 0; rc == 0 && i < kinds[k].n; i++)
			rc = talk_add(l, kinds[k].v[i], k);
	if (rc == 0)
		rc = literals_build(l);
	if (rc < 0)
		literals_free(&l);
	return l;
}
