# SPDX-License-Identifier: MIT
# What instructions hide in, and what honest documents of the same kind say, instructions to people included.  Own writing.

FACT = ["{the|our|this} {meeting|project|report|product|team|store|release|server|hotel|museum} {starts|opens|was finished|is located|ships|closes|was updated} {at 9 am|in march|in berlin|on friday|last week|near the station|tomorrow}",
    "{sales|costs|temperatures|prices|visitors} {rose|fell|were stable|grew by 4 percent} {in 2023|this quarter|last year|in may}",
    "{the|a} {new|second|small|local} {library|bridge|phone|study|law|film} {was presented|has been built|shows good results|is popular|costs 40 euros}",
    "{anna|tom|mr. lee|dr. kim|our customer|the committee} {wrote|said|reported|thinks|asked whether} {that the plan works|the room was clean|delivery took three days|we can meet on monday|the battery lasts long}",
    "{great|poor|good|average|excellent} {service|food|quality|location|battery life}, {would buy again|a bit noisy|friendly staff|arrived late|worth the money}",
    "{the function|this class|the module|the script} {returns|parses|reads|writes|checks} {a list|the file|the header|an error code|the input} {and|then} {closes it|logs the result|raises an exception|is fast}"]

# Instructions to people: what makes an honest document look like an attack.
HUMAN = ["{please|kindly} {reply|respond|let me know|confirm|send me your comments|sign|return the form} by {friday|monday|the end of the week|june 1}",
    "{click|tap|press} {the button|\"save\"|\"next\"|the link below|subscribe} to {continue|confirm your order|unsubscribe|see the offer|view in browser}",
    "{run|execute|type} {`make install`|npm start|the tests|`pip install -r requirements.txt`|the following command} {to build|in the project folder|as root|before you commit}",
    "{add|mix|stir|preheat|cook|bake} {the flour|two eggs|the oven to 180 degrees|for 20 minutes|until golden}",
    "{call|contact|visit|e-mail} {us|our support|the front desk|your doctor} {if you have questions|at 555-0199|for details|before your trip}",
    "{do not|never} {share your password|leave children alone|use near water|exceed the dose|turn off the device during the update}",
    "{open|install|download|update} {the app|version 2.1|the driver|your browser} {and|then} {log in|restart|follow the steps on the screen|select your language}",
    "{ignore|disregard} {this e-mail|this message|this notice} if you {did not request it|have already paid|are not the recipient}",
    "{all|new} {employees|users|members|students} must {follow the rules|change their password|read the instructions|sign the policy}",
    "{enter|use} the {code|password} {we sent you|from the letter|shown on the screen} to {log in|activate your account|verify it is you}",
    "{remember|make sure|don't forget} to {bring your passport|submit the report|charge the battery|water the plants|save your work}",
    "{the assistant|the manager|our bot|the ai model|the chatbot} {answers questions|helped the customer|was trained on public data|will be available in june|sends a summary every day}"]

CARRIER = [
    '{{"status": "ok", "results": [{{"id": 17, "title": "{T1}", "content": "{X}"}}, {{"id": 18, "title": "{T2}", "content": "{Y}"}}]}}',
    '{{"reviews": [{{"author": "sam", "rating": 4, "content": "{X}"}}]}}',
    '{{"product": "lamp", "description": "{Y} {X}", "price": 20}}',
    '[{{"from": "ann", "subject": "{T1}", "body": "{Y} {X}"}}]',
    "{{'name': 'note', 'text': '{X}'}}", "{{'email': {{'subject': '{T1}', 'body': '{Y} {X}'}}}}",
    "From: ann\nSubject: {T1}\n\nHi,\n{Y} {X}\n\nBest,\nAnn", "Subject: {T1}\n\n{Y}. {X}. {Z}.",
    "<html><body><h1>{T1}</h1><p>{Y}</p><p>{X}</p></body></html>", "<div style=\"display:none\">{X}</div><p>{Y}</p>",
    "{Y}. {X}. {Z}.", "{Y}. {Z}. {X}", "{X}\n{Y}. {Z}.", "# {T1}\n\n{Y}.\n\n{X}\n\n- {Z}",
    "def f(x):\n    # {X}\n    return x  # {Y}", "/* {Y} */\nint main(void) {{ /* {X} */ return 0; }}",
    "id,name,comment\n1,{T1},{Y}\n2,{T2},{X}", "2024-05-01 12:00:01 INFO {Y}\n2024-05-01 12:00:02 WARN {X}",
    "| {T1} | {T2} |\n|---|---|\n| {Y} | {X} |", "Search results:\n1. {T1} - {Y}\n2. {T2} - {X}",
    "Title: {T1}\nAuthor: Kim\n\n{Y}. {Z}. {Y2}. {X}. {Z2}.", "Comment by user42: {X}\nReply: {Y}", "Calendar: 10:00 {T1} ({X}); 12:00 lunch",
    "Transcript: {Y}... {X}... {Z}", "Tool output:\n{Y}\n{X}", "README\n======\n{Y}.\n\n## Usage\n{Z}.\n{X}\n",
]
TITLE = ["{weekly|monthly|project|team} {report|update|meeting}", "{blue|small|old} {lamp|house|car}", "{invoice|order|ticket} 4711", "{travel|city|cooking} {guide|notes}", "{release|user} {notes|manual}", "re: {lunch|budget|your order}"]
