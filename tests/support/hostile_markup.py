"""Markup of every kind that would run, load or open something, each marked so that a browser can tell on it.

A script calls `ran()`; an address is on HOST.
"""

from __future__ import annotations

HOST = "http://127.0.0.1:9"
HOSTILE = {
    "event": '<p onclick="ran()" onmouseover=ran()>x</p>',
    "event, no space": "<img/src=x/onerror=ran()><svg/onload=ran()>",
    "event, odd spaces": "<img src=x\n\tonerror\f=\rran()>",
    "event, capitals": '<IMG SRC="x" oNeRrOr="ran()">',
    "event, slashes": "<p/ /onclick=ran()//autofocus tabindex=1 onfocus=ran()>x</p>",
    "event, opened": "<details open ontoggle=ran()><summary>x</summary></details>",
    "event, animated": '<svg><animate attributeName=x dur=1s onbegin="ran()"/>'
    '<set onbegin=ran() attributeName=x /></svg>',
    "event of the body": "<body onload=ran()><p>x</p>",
    "event of a style": "<style onload=ran()>p{}</style>",
    "script": "<script>ran()</script>",
    "script, broken": "<scr<script>ipt>ran()</scr</script>ipt>",
    "script, spaces": "<script\n>ran()</script\t><script/x>ran()</script>",
    "script in SVG": "<svg><script>ran()</script><script xlink:href='data:,ran()'/></svg>",
    "script in SVG, qualified": '<svg xmlns:s="http://www.w3.org/2000/svg"><s:script>ran()</s:script></svg>',
    "script from afar": f"<script src='{HOST}/a.js'></script><svg><script href='{HOST}/a.js'/></svg>",
    "address": '<a href="javascript:ran()">x</a>',
    "address, spaces": "<a href=' java\n\tscript\r:ran()'>x</a><a href='\x01javascript:ran()'>x</a>",
    "address, letters as codes": "<a href='&#x6a;ava&#115cript&colon;ran()'>x</a><a href='java&Tab;script:ran()'>x"
    "</a>",
    "address, in markdown": "[x](javascript:ran()) <javascript:ran()>",
    "address of a page": '<a href="data:text/html,<script>ran()</script>">x</a><a href="vbscript:ran()">x</a>',
    "address in SVG": '<svg><a xlink:href="javascript:ran()"><text>x</text></a></svg>',
    "address, animated": '<svg><a><animate attributeName=href values="javascript:ran()"/><text>x</text></a></svg>',
    "address of a base": '<base href="javascript:/"><a href="#here">x</a>',
    "address in MathML": '<math><mi xlink:href="javascript:ran()" href="javascript:ran()">x</mi></math>',
    "frame": "<iframe src='javascript:parent.ran()'></iframe><iframe srcdoc='<script>parent.ran()"
    "</script>'></iframe>",
    "frame of a kind": f"<object data='{HOST}/a'></object><embed src='{HOST}/a'><frameset>"
    f"<frame src='{HOST}'></frameset>",
    "form": f"<form action='{HOST}'><button formaction='javascript:ran()'>x</button></form>",
    "form, from afar": "<form id=f></form><button form=f formaction='javascript:ran()'>x</button>",
    "refresh": f"<meta http-equiv=refresh content='0;url={HOST}'>",
    "picture": f"<img src={HOST}/a.png>",
    "picture, in markdown": f"![x]({HOST}/a.png)",
    "picture, relative": "<img src=//127.0.0.1:9/a.png><img src='\\\\127.0.0.1:9/a.png'>",
    "picture, several": f"<img srcset='data:image/png;base64,AA 1x, {HOST}/a.png 2x'>",
    "picture in SVG": f"<svg><image href='{HOST}/a.png'/><image xlink:href='{HOST}/b.png' width=9 height=9 /></svg>",
    "picture, filtered": f"<svg><filter id=f><feImage href='{HOST}/a.png'/></filter><rect filter='url(#f)'/></svg>",
    "picture of a table": f"<table background='{HOST}/a.png'><tr><td background='{HOST}/b.png'>x</td></tr></table>",
    "picture, old name": f"<image src='{HOST}/a.png'><input type=image src='{HOST}/b.png'>",
    "use from afar": f"<svg><use href='{HOST}/a.svg#x'/><use href='data:image/svg+xml;base64,PHN2Zz4=#x'/></svg>",
    "reporting": f"<img attributionsrc='{HOST}' src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"
    f"<a href=# ping='{HOST}'>x</a>",
    "sound": f"<audio src='{HOST}/a'></audio><video poster='{HOST}/p'><source src='{HOST}/v'>"
    f"<track src='{HOST}/t'></video>",
    "style": f"<p style='background:url({HOST}/a.png)'>x</p>",
    "style, spaces": f"<p style='background:URL( \" {HOST}/a.png\")'>x</p>",
    "style, escaped": f"<p style='background:u\\72l({HOST}/a.png);x:\\55 RL(\"{HOST}/b.png\")'>x</p>",
    "style, comments": f"<p style=\"content:'/*';background:url({HOST}/a.png);x:'*/'\">x</p>",
    "style, set": f"<p style='background:image-set(\"{HOST}/a.png\" 1x)'>x</p>",
    "style sheet": f"<style>@import '{HOST}/a.css'; p {{ background: url({HOST}/a.png) }}</style>",
    "style sheet, linked": f"<link rel=stylesheet href='{HOST}/a.css'>"
    f"<link rel=preload as=image href='{HOST}/a.png'>",
    "style sheet, font": f"<style>@font-face {{ font-family: x; src: url({HOST}/f.woff) }} p {{ font-family: x"
    " }}</style><p>x</p>",
    "style of SVG": f"<svg><rect fill='url({HOST}/a.svg#x)' mask='url({HOST}/m.svg#x)'/></svg>",
    "markup in a style of SVG": "<svg><style><img src=x onerror=ran()></style></svg>",
    "markup in a style of MathML": "<math><mtext><table><mglyph><style><!--</style>"
    "<img title='--&gt;&lt;img src=x onerror=ran()&gt;'>",
    "markup behind a comment": "<!--><img src=x onerror=ran()>--> <!--x--!><img src=x onerror=ran()>",
    "markup behind CDATA": "<svg><![CDATA[><image href=x onerror=ran()>]]></svg> <![CDATA["
    "<img src=x onerror=ran()>]]>",
    "markup behind an instruction": "<?x ><img src=x onerror=ran()>?><!x <img src=x onerror=ran()>",
    "markup in a title": "<title><a title='</title><img src=x onerror=ran()>'></title>",
    "markup in a text field": "<textarea><a title='</textarea><img src=x onerror=ran()>'></textarea>",
    "markup for no script": "<noscript><p title='</noscript><img src=x onerror=ran()>'></noscript>",
    "markup in plain text": "<xmp><p title='</xmp><img src=x onerror=ran()>'></xmp><noembed><img alt='</noembed>"
    "<img src=x onerror=ran()>'>",
    "markup out of SVG": "<svg></p><style><a id='</style><img src=1 onerror=ran()>'></svg>",
    "markup out of MathML": "<math><annotation-xml encoding='text/html'><p><img src=x onerror=ran()></p>"
    "</annotation-xml></math>",
    "markup in a template": "<template shadowrootmode=open><img src=x onerror=ran()></template>",
    "markup in a foreign object": "<svg><foreignObject><iframe srcdoc='<script>parent.ran()</script>'></iframe>"
    "</foreignObject></svg>",
    "not closed": "<img src=x onerror=ran() ",
    "not closed, quoted": "<img src='x' onerror='ran()",
    "quotes": "<p title=\"a'b\" x='\"' onclick=ran()>x</p><p title='`\"' id=`x` onclick=ran()>x</p>",
    "zeros": "<im\x00g src=x onerror=ran()><a href='java\x00script:ran()'>x</a><img src=x one\x00rror=ran()>",
    "many names": "<p onclick=ran() title=a title='b' ONCLICK=ran()>x</p>",
    "names of odd letters": "<a<img src=x onerror=ran()><p \"onclick=ran() 'x onclick=ran()>x</p>",
}  # fmt: skip  # reads as a table
