Name: Roots of the smart card of a remote session
Default: no
Priority: 0
Session-Type: Additional
Session-Interactive-Only: yes
Session:
	optional	pam_cardproxy.so
